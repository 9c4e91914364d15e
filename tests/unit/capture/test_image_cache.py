import os
import stat
import threading

import pytest

from sysdig_py.capture import image_cache
from sysdig_py.capture.image import Image, MapSpec

IMAGE = Image((MapSpec("m", 2, 4, 8, 1, 0),), {"on_a": bytes(80_000)}, ("a",))


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setattr(image_cache.locations, "cache", lambda: tmp_path)
    return tmp_path


@pytest.fixture
def kept(folder):
    image_cache.keep("key", IMAGE)
    return folder / "probe-key.image"


def test_what_is_kept_is_found(kept):
    assert image_cache.find("key") == IMAGE
    assert image_cache.find("other") is None
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


@pytest.mark.parametrize("at", [0, 20, 60, -1])
def test_a_changed_byte_makes_it_void(kept, at):
    raw = bytearray(kept.read_bytes())
    raw[at] ^= 1
    kept.write_bytes(raw)
    assert image_cache.find("key") is None


@pytest.mark.parametrize("length", [0, 10, 50, 1000])
def test_a_cut_file_is_void(kept, length):
    os.truncate(kept, length)
    assert image_cache.find("key") is None


def test_a_file_under_another_key_is_void(kept, folder):
    kept.rename(folder / "probe-wanted.image")
    assert image_cache.find("wanted") is None


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_others_may_write_is_not_trusted(kept, mode):
    kept.chmod(mode)
    assert image_cache.find("key") is None
    image_cache.keep("key", IMAGE)
    assert image_cache.find("key") == IMAGE


def test_somebody_elses_file_is_not_trusted(kept, monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: kept.stat().st_uid + 1)
    assert image_cache.find("key") is None


def test_a_link_is_not_followed(kept, folder):
    aside = folder / "aside"
    kept.rename(aside)
    kept.symlink_to(aside)
    assert image_cache.find("key") is None


def test_what_is_dropped_is_gone(kept):
    image_cache.drop("key")
    image_cache.drop("key")
    assert image_cache.find("key") is None


def test_a_folder_that_cannot_be_written_is_no_error(folder, monkeypatch):
    monkeypatch.setattr(image_cache.locations, "cache", lambda: folder / "missing")
    image_cache.keep("key", IMAGE)
    assert image_cache.find("key") is None


def test_a_write_that_fails_leaves_nothing_behind(folder, monkeypatch):
    def full(*_paths):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    image_cache.keep("key", IMAGE)
    assert not list(folder.iterdir())


def test_the_oldest_are_forgotten(folder, monkeypatch):
    monkeypatch.setattr(image_cache, "_KEPT", 3)
    for number in range(6):
        image_cache.keep(str(number), IMAGE)
        os.utime(folder / f"probe-{number}.image", (number, number))
    image_cache.keep("last", IMAGE)
    assert [key for key in [*"012345", "last"] if image_cache.find(key)] == ["4", "5", "last"]


def test_readers_see_whole_files_while_others_write(kept):
    writer = threading.Thread(target=lambda: [image_cache.keep("key", IMAGE) for _ in range(200)])
    writer.start()
    while writer.is_alive():
        assert image_cache.find("key") == IMAGE
    writer.join()
