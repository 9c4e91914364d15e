"""The BPF ring buffer's memory, mapped into this process; knows nothing of what is in it.

Consumer page (read-write), producer page and the data, mapped twice in a row so that a record
that wraps around is contiguous. Whoever walks the ring publishes the consumer position itself.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import select
from dataclasses import dataclass, field
from typing import Final

_libc: Final = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_FAILED: Final = ctypes.c_void_p(-1).value


@dataclass(frozen=True, slots=True)
class RingView:
    """Where a mapped ring is: addresses of the two positions and the data, its size, and its fd."""

    consumer: int
    producer: int
    data: int
    size: int
    fd: int
    _poll: select.epoll = field(repr=False, compare=False)

    def wait(self, timeout: float) -> bool:
        """Sleep until the kernel asks to be read or `timeout` seconds are over; tell which."""
        return bool(self._poll.poll(timeout, 1))

    def unread(self) -> int:
        """Return how many bytes are waiting."""
        return _position(self.producer) - _position(self.consumer)

    def consumed(self) -> int:
        """Return how many bytes were taken out since the ring was made."""
        return _position(self.consumer)

    def close(self) -> None:
        """Unmap; the addresses are void from then on."""
        self._poll.close()
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
    poll = select.epoll()
    # edge-triggered: only the kernel's wake-ups count, not that something is there (under load it always is)
    poll.register(fd, select.EPOLLIN | select.EPOLLET)
    return RingView(consumer, producer, producer + mmap.PAGESIZE, size, fd, poll)


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


def ring_bytes(memory: int, cores: int) -> int:
    """Return a ring size: 16 MiB per core, at most 1/64 of the memory, a power of two, 4 to 256 MiB."""
    wanted = min(cores * (16 << 20), memory // 64, 256 << 20)
    return max(4 << 20, 1 << (wanted.bit_length() - 1))


def _position(address: int) -> int:
    return ctypes.c_uint64.from_address(address).value
