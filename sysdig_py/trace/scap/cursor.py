"""Reading packed values from a block, one after the other."""

from __future__ import annotations

import struct
from typing import Any, Final


class LayoutError(Exception):
    """A block does not hold what its type promises."""


class Cursor:
    """A position in the bytes of a block."""

    def __init__(self, data: memoryview, at: int = 0, end: int | None = None) -> None:
        """Read from `at` up to `end` (default: all)."""
        self.data: Final = data
        self.at = at
        self.end = len(data) if end is None else end

    @property
    def left(self) -> int:
        """Bytes from here to the end."""
        return self.end - self.at

    def values(self, form: str) -> tuple[Any, ...]:
        """Return what the struct format `form` (without byte order) describes."""
        size = struct.calcsize("<" + form)
        return struct.unpack("<" + form, self.raw(size))

    def value(self, form: str) -> Any:
        """Return one value."""
        return self.values(form)[0]

    def raw(self, size: int) -> bytes:
        """Return the next `size` bytes.

        Raises:
            LayoutError: there are not that many.
        """
        if size < 0 or size > self.left:
            raise LayoutError(f"{size} bytes wanted, {self.left} left")
        self.at += size
        return bytes(self.data[self.at - size : self.at])

    def text(self) -> bytes:
        """Return a string that follows its u16 length."""
        return self.raw(self.value("H"))
