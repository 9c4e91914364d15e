import os
from pathlib import Path

import pytest

from sysdig_py.capture.proc.reading import directory, link, numbers, read, read_or_empty


def test_a_long_file_is_read_whole_and_no_more_than_asked(tmp_path: Path) -> None:
    content = os.urandom(300_000)
    (tmp_path / "f").write_bytes(content)
    with directory(str(tmp_path)) as fd:
        assert read("f", fd) == content
        assert read("f", fd, 10) == content[:10]


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with directory(str(tmp_path)) as fd:
        assert read_or_empty("none", fd) == b"" and link("none", fd) == b""
        with pytest.raises(FileNotFoundError):
            read("none", fd)


def test_link_keeps_bytes(tmp_path: Path) -> None:
    (tmp_path / "l").symlink_to(os.fsdecode(b"/caf\xe9"))
    with directory(str(tmp_path)) as fd:
        assert link("l", fd) == b"/caf\xe9"


def test_numbers_ascend(tmp_path: Path) -> None:
    for name in ("10", "9", "self", "1x"):
        (tmp_path / name).touch()
    with directory(str(tmp_path)) as fd:
        assert numbers(fd) == [9, 10]


def test_the_directory_is_closed(tmp_path: Path) -> None:
    with directory(str(tmp_path)) as fd:
        pass
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(fd)
