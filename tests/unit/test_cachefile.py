import os
import stat

import pytest

from sysdig_py import cachefile

CONTENT = bytes(range(256)) * 40


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setattr(cachefile.locations, "cache", lambda: tmp_path)
    return tmp_path


@pytest.fixture
def kept(folder):
    cachefile.write("a.bin", "key", CONTENT, pattern="*.bin", kept=2)
    return folder / "a.bin"


def test_what_is_kept_is_found_under_its_key_only(kept):
    assert cachefile.read("a.bin", "key") == CONTENT
    assert cachefile.read("a.bin", "another key") is None
    assert cachefile.read("b.bin", "key") is None
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


@pytest.mark.parametrize("at", [0, 3, 4, 999, -1])
def test_a_changed_byte_makes_it_void(kept, at):
    raw = bytearray(kept.read_bytes())
    raw[at] ^= 1
    kept.write_bytes(raw)
    assert cachefile.read("a.bin", "key") is None


@pytest.mark.parametrize("length", [0, 2, 4, 500])
def test_a_cut_file_is_void(kept, length):
    os.truncate(kept, length)
    assert cachefile.read("a.bin", "key") is None


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_others_may_write_is_not_trusted(kept, mode):
    kept.chmod(mode)
    assert cachefile.read("a.bin", "key") is None


def test_somebody_elses_file_is_not_trusted(kept, monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: kept.stat().st_uid + 1)
    assert cachefile.read("a.bin", "key") is None


def test_a_link_is_not_followed(kept, folder):
    (folder / "b.bin").symlink_to(kept)
    assert cachefile.read("b.bin", "key") is None


def test_the_oldest_are_forgotten(kept, folder):
    os.utime(kept, (1, 1))
    for name in ("b.bin", "c.bin"):
        cachefile.write(name, "key", CONTENT, pattern="*.bin", kept=2)
    assert sorted(path.name for path in folder.iterdir()) == ["b.bin", "c.bin"]


def test_a_folder_that_cannot_be_written_is_no_error(monkeypatch, tmp_path):
    monkeypatch.setattr(cachefile.locations, "cache", lambda: tmp_path / "missing")
    cachefile.write("a.bin", "key", CONTENT, pattern="*.bin", kept=2)
    assert cachefile.read("a.bin", "key") is None
