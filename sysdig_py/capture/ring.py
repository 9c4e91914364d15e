"""The BPF ring buffer's memory, mapped into this process; knows nothing of what is in it.

Consumer page (read-write), producer page and the data, mapped twice in a row so that a record
that wraps around is contiguous. Whoever walks the ring publishes the consumer position itself.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import select
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

_libc: Final = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
MAX_RINGS: Final = 64
_FAILED: Final = ctypes.c_void_p(-1).value


@dataclass(frozen=True, slots=True)
class RingView:
    """Where a mapped ring is: addresses of the two positions and the data, its size, and its fd."""

    consumer: int
    producer: int
    data: int
    size: int
    fd: int

    def unread(self) -> int:
        """Return how many bytes are waiting."""
        return _position(self.producer) - _position(self.consumer)

    def consumed(self) -> int:
        """Return how many bytes were taken out since the ring was made."""
        return _position(self.consumer)

    def close(self) -> None:
        """Unmap; the addresses are void from then on."""
        unmap(self.consumer, mmap.PAGESIZE)
        unmap(self.producer, mmap.PAGESIZE + 2 * self.size)


def open_ring(fd: int, size: int) -> RingView:
    """Map the ring behind a BPF map's `fd`; `size` is the map's size in bytes."""
    consumer = map_shared(fd, mmap.PAGESIZE, 0, writable=True)
    try:
        producer = map_shared(fd, mmap.PAGESIZE + 2 * size, mmap.PAGESIZE, writable=False)
    except OSError:
        unmap(consumer, mmap.PAGESIZE)
        raise
    return RingView(consumer, producer, producer + mmap.PAGESIZE, size, fd)


class Rings:
    """All rings of a probe."""

    def __init__(self, fds: Sequence[int], size: int) -> None:
        """Map the rings behind `fds`, of `size` bytes each."""
        with ExitStack() as opened:
            self.views: list[RingView] = []
            for fd in fds:
                self.views.append(open_ring(fd, size))
                opened.callback(self.views[-1].close)
            self._poll = opened.enter_context(select.epoll())
            for fd in fds:
                # edge-triggered: only wake-ups count, not that something is there (under load it always is)
                self._poll.register(fd, select.EPOLLIN | select.EPOLLET)
            self._opened = opened.pop_all()

    def wait(self, timeout: float) -> bool:
        """Sleep until the kernel asks to be read or `timeout` seconds are over; tell which."""
        return bool(self._poll.poll(timeout, 1))

    def consumed(self) -> int:
        """Return how many bytes were taken out since the rings were made."""
        return sum(view.consumed() for view in self.views)

    def close(self) -> None:
        """Unmap all; the addresses are void from then on."""
        self._opened.close()


def map_shared(fd: int, length: int, offset: int, *, writable: bool) -> int:
    """Map `length` bytes of a BPF map and return their address."""
    protection = mmap.PROT_READ | (mmap.PROT_WRITE if writable else 0)
    address = _libc.mmap(None, length, protection, mmap.MAP_SHARED, fd, offset)
    if address == _FAILED or address is None:
        number = ctypes.get_errno()
        raise OSError(number, f"mapping a BPF map: {os.strerror(number)}")
    return int(address)


def unmap(address: int, length: int) -> None:
    """Give a mapping back."""
    _libc.munmap(address, length)


def ring_count(cpus: int) -> int:
    """Return how many rings to have: one for every four processors.

    Writers of one ring take turns: the kernel's own figures are 9.6 M records/s from one processor, 6.5 M/s from two
    and 2.0 M/s from 52 together (patch "bpf: Implement BPF ring buffer").
    """
    return min(max(cpus // 4, 1), MAX_RINGS)


def ring_bytes(memory: int, cores: int, rings: int = 1) -> int:
    """Return a ring's size: 16 MiB per core, at most 1/64 of the memory for all, a power of two, 4 to 256 MiB."""
    wanted = min(cores * (16 << 20), memory // 64, 256 << 20) // rings
    return max(4 << 20, 1 << (wanted.bit_length() - 1))


def _position(address: int) -> int:
    return ctypes.c_uint64.from_address(address).value
