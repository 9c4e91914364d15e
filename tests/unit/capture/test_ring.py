import ctypes
import mmap
import os
from pathlib import Path

import pytest

from sysdig_py.capture import ring


def test_ring_size_follows_cores_and_memory():
    gib = 1 << 30
    assert ring.ring_bytes(64 * gib, 2) == 32 << 20
    assert ring.ring_bytes(64 * gib, 3) == 32 << 20
    assert ring.ring_bytes(1024 * gib, 128) == 256 << 20
    assert ring.ring_bytes(gib, 8) == 16 << 20
    assert ring.ring_bytes(gib // 8, 8) == 4 << 20
    assert ring.ring_bytes(1024 * gib, 128, rings=32) == 8 << 20


def test_every_four_processors_have_a_ring():
    assert [ring.ring_count(cpus) for cpus in (1, 2, 7, 8, 64, 1024)] == [1, 1, 1, 2, 16, ring.MAX_RINGS]


def test_mapped_memory_is_shared_and_given_back():
    fd = os.memfd_create("ring")
    try:
        os.ftruncate(fd, mmap.PAGESIZE)
        address = ring.map_shared(fd, mmap.PAGESIZE, 0, writable=True)
        ctypes.c_uint64.from_address(address).value = 0x1122334455667788
        assert os.pread(fd, 8, 0) == bytes.fromhex("8877665544332211")
        ring.unmap(address, mmap.PAGESIZE)
        assert f"{address:x}-" not in Path("/proc/self/maps").read_text()
    finally:
        os.close(fd)


def test_a_mapping_that_cannot_be_says_why():
    with pytest.raises(OSError, match="mapping a BPF map"):
        ring.map_shared(-1, mmap.PAGESIZE, 0, writable=False)


def test_positions_are_read_from_the_two_pages():
    pages = (ctypes.c_uint64 * 2)(100, 164)
    address = ctypes.addressof(pages)
    view = ring.RingView(address, address + 8, 0, 4096, -1)
    assert view.unread() == 64
    assert view.consumed() == 100
