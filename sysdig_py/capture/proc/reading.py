"""Reading `/proc` relative to a process' open directory.

The directory's descriptor goes on meaning that one process even when its number is given to
another, and saves the kernel the walk through `/proc/PID` for each file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_PIECE: Final = 1 << 16


@contextmanager
def directory(path: str, dir_fd: int | None = None) -> Iterator[int]:
    """Open a directory for the time of a `with` block."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=dir_fd)
    try:
        yield fd
    finally:
        os.close(fd)


def read(path: str, dir_fd: int, limit: int = 0) -> bytes:
    """Return a file's content, its first `limit` bytes at most (0: all of it); raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC, dir_fd=dir_fd)
    try:
        data = os.read(fd, limit or _PIECE)
        if limit or len(data) == 0:
            return data
        pieces = [data]
        while data := os.read(fd, _PIECE):
            pieces.append(data)
        return b"".join(pieces)
    finally:
        os.close(fd)


def read_or_empty(path: str, dir_fd: int, limit: int = 0) -> bytes:
    """Return what `read` does, b"" when the file cannot be read (no right, zombie, kernel without it)."""
    try:
        return read(path, dir_fd, limit)
    except OSError:
        return b""


def link(path: str, dir_fd: int) -> bytes:
    """Return the target of a symbolic link, b"" when it cannot be read."""
    try:
        return os.fsencode(os.readlink(path, dir_fd=dir_fd))
    except OSError:
        return b""


def numbers(fd: int) -> list[int]:
    """Return the numeric names in a directory, ascending."""
    return sorted(int(name) for name in os.listdir(fd) if name.isdigit())
