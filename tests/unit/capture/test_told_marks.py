import ctypes
import mmap
import os

import pytest

from sysdig_py.capture.options import PAGE
from sysdig_py.capture.told_marks import EPOCHS, ToldMarks


@pytest.fixture
def maps():
    fds = [os.memfd_create(name) for name in ("control", "epochs")]
    os.ftruncate(fds[0], PAGE)
    os.ftruncate(fds[1], EPOCHS * 8)
    yield fds
    for fd in fds:
        os.close(fd)


def words(fd, count):
    with mmap.mmap(fd, 0) as memory:
        return list((ctypes.c_uint64 * count).from_buffer_copy(memory))


def test_renewing_changes_the_generation_and_every_epoch(maps):
    os.pwrite(maps[0], (7).to_bytes(8, "little") + (3).to_bytes(8, "little"), 0)
    os.pwrite(maps[1], (2**64 - 1).to_bytes(8, "little"), 0)
    marks = ToldMarks(*maps)
    marks.renew()
    assert words(maps[0], 2) == [7, 4]
    assert words(maps[1], EPOCHS) == [0] + [1] * (EPOCHS - 1)
    marks.close()
