"""A moving view of a .scap's bytes: the block in hand and what was read behind it lie in memory, nothing else does."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Final

from sysdig_py.trace.scap import layout
from sysdig_py.trace.scap.reader import ROOM
from sysdig_py.trace.scap.state_blocks import interfaces_end

# the engine makes records of events where they lie, and needs so many bytes before the first
HEADROOM: Final = 64


class Window:
    """The bytes of a trace from the block in hand on; what is before it is lost."""

    def __init__(self, chunks: Iterator[bytearray]) -> None:
        """Take the bytes from `chunks` (`ScapReader`) as they are needed."""
        self._chunks = chunks
        self._data = bytearray(HEADROOM)
        self._at = HEADROOM  # of the block in hand
        self._passed = -HEADROOM  # bytes of the trace before _data
        self._is_own = True  # _data is no chunk: those are the reader's, who fills them again

    @property
    def left(self) -> int:
        """How many bytes are there from the block in hand on."""
        return len(self._data) - self._at

    @property
    def offset(self) -> int:
        """Where the block in hand is in the trace."""
        return self._passed + self._at

    @property
    def address(self) -> int:
        """Where the block in hand is in memory, until more is read."""
        return ctypes.addressof(ctypes.c_char.from_buffer(self._data)) + self._at

    def more(self, wanted: int = 0) -> bool:
        """Read on until `wanted` bytes are there; False when the trace ends before."""
        while chunk := next(self._chunks, bytearray()):
            self._take(chunk)
            if self.left >= wanted:
                return True
        return False

    def _take(self, chunk: bytearray) -> None:
        """Go over to the next chunk; what is left of this one is put before it."""
        left, where = self.left, self.offset
        if left + HEADROOM <= ROOM:
            chunk[ROOM - left : ROOM] = memoryview(self._data)[self._at :]
            self._data, self._at, self._is_own = chunk, ROOM - left, False
        else:
            self._keep_rest()
            self._data += memoryview(chunk)[ROOM:]
        self._passed = where - self._at

    def _keep_rest(self) -> None:
        """Hold what is from the block in hand on in memory of our own."""
        start = self._at - HEADROOM
        if self._is_own:
            del self._data[:start]
        else:
            self._data, self._is_own = self._data[start:], True
        self._at = HEADROOM

    def advance(self, size: int) -> None:
        """Go on behind `size` bytes that are there."""
        self._at += size

    def pass_over(self, size: int) -> bool:
        """Go on behind the block of `size` bytes here, keeping none of it; False when it is no whole block."""
        rest = size - layout.TRAILER.size
        while rest > self.left:
            rest -= self.left
            self._at = len(self._data)
            if not self.more():
                return False
        self._at += rest
        if not (self.left >= layout.TRAILER.size or self.more(layout.TRAILER.size)):
            return False
        found = self.trailer(layout.TRAILER.size)
        self._at += layout.TRAILER.size
        return found == size

    def frame(self) -> tuple[int, int]:
        """Return type and length of the block in hand."""
        kind, size = layout.FRAME.unpack_from(self._data, self._at)
        return kind, size

    def trailer(self, size: int) -> int:
        """Return the length with which `size` bytes from here end."""
        (length,) = layout.TRAILER.unpack_from(self._data, self._at + size - layout.TRAILER.size)
        return int(length)

    def view(self, start: int, end: int) -> bytes:
        """Return the bytes between two places counted from the block in hand."""
        return bytes(memoryview(self._data)[self._at + start : self._at + end])

    def true_size(self, kind: int, size: int) -> int:
        """Return the size of the block here, which says `size`; 0 when its end disagrees, and nothing tells."""
        if self.trailer(size) == size:
            return size
        if layout.INTERFACES.get(kind, 0) < 2:
            return 0
        rest = self.view(layout.FRAME.size, layout.FRAME.size + 4 * size)
        whole = layout.SMALLEST + (interfaces_end(memoryview(rest)) or 0)
        return whole if self.left >= whole and self.trailer(whole) == size else 0
