"""Entries of single calls are found by their numbers in tracefs, and nothing stays open that was not asked for."""

import os
from pathlib import Path

import pytest

from sysdig_py.capture import bpf, single_calls


@pytest.fixture
def tracefs(tmp_path, monkeypatch):
    for call, number in {"close": 776, "exit": 120}.items():
        folder = tmp_path / "events" / "syscalls" / f"sys_enter_{call}"
        folder.mkdir(parents=True)
        (folder / "id").write_text(f"{number}\n")
    monkeypatch.setattr(single_calls, "_FOLDER", str(tmp_path))
    return tmp_path


class Events:
    def __init__(self, monkeypatch, refused=None):
        self.refused, self.numbers, self.fds = refused, [], []
        monkeypatch.setattr(bpf, "open_event", self.open)

    def open(self, number):
        if number == self.refused:
            raise PermissionError(13, "no")
        self.numbers.append(number)
        self.fds.append(os.open(os.devnull, os.O_RDONLY))
        return self.fds[-1]


def is_open(fd):
    return Path(f"/proc/self/fd/{fd}").exists()


def descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


def test_the_numbers_are_those_of_the_calls(tracefs, monkeypatch):
    events, before = Events(monkeypatch), descriptors()
    assert single_calls.open_entries(("close", "exit")) == events.fds
    assert events.numbers == [776, 120]
    assert descriptors() == before + 2
    for fd in events.fds:
        os.close(fd)


def test_of_a_refusal_nothing_is_left(tracefs, monkeypatch):
    events, before = Events(monkeypatch, refused=120), descriptors()
    with pytest.raises(PermissionError):
        single_calls.open_entries(("close", "exit"))
    assert [is_open(fd) for fd in events.fds] == [False]
    with pytest.raises(FileNotFoundError):
        single_calls.open_entries(("exit_group",))
    assert descriptors() == before


@pytest.mark.parametrize("mount_point", ["nowhere", "empty"])
def test_where_it_is_not_mounted_a_root_of_its_own_is_made(tracefs, monkeypatch, mount_point):
    """The kernel's calls, in their order: fsopen, fsconfig, fsmount."""
    called = []

    def call(number, *arguments):
        called.append((number, arguments))
        return os.open(tracefs, os.O_RDONLY) if number in (430, 432) else 0

    (tracefs / "empty").mkdir()
    monkeypatch.setattr(single_calls, "_FOLDER", str(tracefs / mount_point))
    monkeypatch.setattr(single_calls, "_call", call)
    events, before = Events(monkeypatch), descriptors()
    single_calls.open_entries(("close",))
    assert events.numbers == [776]
    assert [number for number, _ in called] == [430, 431, 432]
    assert called[0][1] == (b"tracefs", 0)
    assert descriptors() == before + 1
    os.close(events.fds[0])
