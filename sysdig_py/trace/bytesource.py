"""Reading bytes in order from any file, pipe or socket file, with push-back and a byte offset.

A reader asks for exact lengths; memory grows with what the file really holds, not with what it claims.
"""

from __future__ import annotations

from typing import BinaryIO, Final

_CHUNK: Final = 1 << 20


class ByteSource:
    """A forward-only byte stream.

    Attributes:
        offset: position of the next byte, counted from the start of the trace.
    """

    def __init__(self, file: BinaryIO, pushed_back: bytes = b"", offset: int = 0) -> None:
        """Read `pushed_back`, which was already taken from the file, and then `file`, which stands at `offset`."""
        self._file: Final = file
        self._pushed = bytes(pushed_back)
        self.offset = offset

    def read(self, size: int) -> bytes:
        """Return the next `size` bytes, fewer only at the end of the file."""
        head, self._pushed = self._pushed[:size], self._pushed[size:]
        parts, missing = [head], size - len(head)
        while missing:
            part = self._file.read(min(missing, _CHUNK))
            if not part:
                break
            parts.append(part)
            missing -= len(part)
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        self.offset += len(data)
        return data

    def read_into(self, memory: memoryview) -> int:
        """Fill `memory` with the next bytes; return how many, fewer only at the end of the file."""
        done = min(len(self._pushed), len(memory))
        memory[:done], self._pushed = self._pushed[:done], self._pushed[done:]
        while done < len(memory):
            size = self._file.readinto(memory[done:])  # type: ignore[attr-defined]
            if not size:
                break
            done += size
        self.offset += done
        return done

    def unread(self, data: bytes) -> None:
        """Put `data` back: it is what the next `read` returns first."""
        self._pushed = data + self._pushed
        self.offset -= len(data)
