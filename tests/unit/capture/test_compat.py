import struct

import pytest

from sysdig_py.capture import compat
from sysdig_py.capture.plans import PLAN_COUNT
from sysdig_py.schema.events import compat_calls, events, syscall_names, syscalls

NAMES = {call.nr: call.name for call in syscalls("x86_64")}
BY_ID = {event.id: event for event in events()}


@pytest.mark.parametrize(
    ("nr", "name"), [(3, "read"), (5, "open"), (295, "openat"), (221, "fcntl"), (199, "getuid"), (362, "connect")]
)
def test_calls_that_mean_the_same_are_translated(nr, name):
    assert NAMES[compat.translated("x86_64")[nr]] == name


@pytest.mark.parametrize(
    "name", ["mmap", "mmap2", "pread64", "readv", "sendmsg", "execve", "clone", "nanosleep", "stat64"]
)
def test_calls_with_other_structures_or_split_arguments_are_not(name):
    nr = next(nr for nr, found in compat_calls("x86_64").items() if found == name)
    assert nr not in compat.translated("x86_64")


def test_every_number_has_an_entry_and_every_known_call_its_name():
    made = compat.packed("x86_64")
    assert set(made) == set(range(PLAN_COUNT))
    assert struct.unpack("<HH", made[195]) == (compat.UNTRANSLATED, syscall_names().index("stat64"))
    assert struct.unpack("<HH", made[511]) == (compat.UNTRANSLATED, 0)
    named = sum(struct.unpack("<HH", value)[1] > 0 for value in made.values())
    assert named > 380


def test_of_another_architecture_nothing_is_translated():
    assert compat.translated("aarch64") == {}
    assert set(compat.packed("aarch64").values()) == {struct.pack("<HH", compat.UNTRANSLATED, 0)}


def test_structures_with_long_in_them_are_not_plain():
    assert not compat.is_plain(BY_ID["SYSCALL_GETRLIMIT_X"])
    assert not compat.is_plain(BY_ID["SYSCALL_PWRITE_X"])
    assert compat.is_plain(BY_ID["SYSCALL_PIPE2_X"])
