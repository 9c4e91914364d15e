"""A file appears whole or not at all, for its owner only."""

from pathlib import Path

import pytest

from sysdig_py.errors import TraceError
from sysdig_py.export.whole_file import whole_file


def test_it_appears_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "out"
    with whole_file(str(path)) as file:
        file.write(b"content")
        assert not path.exists()
    assert path.read_bytes() == b"content"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_after_an_error_there_is_what_was_there_before(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"before")
    with pytest.raises(KeyboardInterrupt), whole_file(str(path)) as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"before"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_link_keeps_pointing_to_what_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("out")
    with whole_file(str(tmp_path / "link")) as file:
        file.write(b"content")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "out").read_bytes() == b"content"


def test_devices_are_written_to_and_not_replaced() -> None:
    with whole_file("/dev/null") as file:
        file.write(b"content")
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("path", ["missing/out", "."])
def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, path: str) -> None:
    with pytest.raises(TraceError, match=str(tmp_path)), whole_file(str(tmp_path / path)):
        raise AssertionError("unreachable")


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="No space left"), whole_file(str(tmp_path / "out")):
        raise OSError(28, "No space left on device")
    assert list(tmp_path.iterdir()) == []
