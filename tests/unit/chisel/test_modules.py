import os
from pathlib import Path

import pytest

from sysdig_py.chisel.modules import MAX_BYTES, read_module


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "chisels" / "inner").mkdir(parents=True)
    (tmp_path / "secret.lua").write_text("secret")
    return tmp_path / "chisels"


def read(folder: Path, relative: str) -> tuple[bytes | None, str]:
    text, why = read_module(os.fsencode(folder), relative.encode())
    return text, why.decode()


def test_a_module_is_its_text(folder: Path) -> None:
    (folder / "one.lua").write_bytes(b"return 1 \xff")
    (folder / "inner" / "two.lua").write_text("return 2")
    assert read(folder, "one.lua") == (b"return 1 \xff", "")
    assert read(folder, "inner/two.lua") == (b"return 2", "")
    assert read(folder, "three.lua") == (None, "")


def test_links_may_not_lead_out_of_the_folder(folder: Path) -> None:
    (folder / "out.lua").symlink_to(folder.parent / "secret.lua")
    (folder / "inner" / "out.lua").symlink_to("../../secret.lua")
    (folder / "lost.lua").symlink_to("nowhere")
    for name in ("out.lua", "inner/out.lua"):
        text, why = read(folder, name)
        assert text is None
        assert "somewhere else" in why
    assert read(folder, "lost.lua") == (None, "")


def test_links_within_the_folder_and_to_it_are_fine(folder: Path, tmp_path: Path) -> None:
    (folder / "one.lua").write_text("one")
    (folder / "same.lua").symlink_to("one.lua")
    (tmp_path / "other").symlink_to(folder)
    assert read(folder, "same.lua") == (b"one", "")
    assert read(tmp_path / "other", "same.lua") == (b"one", "")


def test_what_has_no_end_is_not_opened(folder: Path) -> None:
    os.mkfifo(folder / "pipe.lua")
    (folder / "folder.lua").mkdir()
    (folder / "large.lua").write_bytes(b" " * (MAX_BYTES + 1))
    assert read(folder, "pipe.lua") == (None, "is no regular file")
    assert read(folder, "folder.lua") == (None, "is no regular file")
    assert read(folder, "large.lua") == (None, f"is larger than {MAX_BYTES} bytes")
    (folder / "zero.lua").symlink_to("/dev/zero")
    assert read(folder, "zero.lua")[0] is None
