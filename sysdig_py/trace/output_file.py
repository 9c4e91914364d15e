"""Opening the file a trace goes to, and writing to it so that what is there is always readable."""

from __future__ import annotations

import contextlib
import io
import os
import stat
from pathlib import Path
from typing import BinaryIO, Final, cast

from sysdig_py.errors import TraceError

_NULL_DEVICE: Final = os.makedev(1, 3)


def open_output(path: str | Path) -> BinaryIO:
    """Open `path` for a new trace, readable by its owner only; "-" is standard output.

    An existing file is overwritten.

    Raises:
        TraceError: a directory, a device, a terminal, or the system refuses.
    """
    try:
        if str(path) == "-":
            return _adopt(os.dup(1), "standard output")
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY
        return _adopt(os.open(path, flags, 0o600), str(path))
    except OSError as error:
        raise TraceError(f"{path}: cannot write a trace there: {error.strerror}") from error


def _adopt(fd: int, name: str) -> BinaryIO:
    file = open(fd, "wb", buffering=0)  # noqa: SIM115 - a descriptor, and the caller closes it
    try:
        _prepare(fd, name)
    except BaseException:
        file.close()
        raise
    return file


def _prepare(fd: int, name: str) -> None:
    info = os.fstat(fd)
    if os.isatty(fd):
        raise TraceError(f"{name} is a terminal: a trace is binary, redirect it into a file or a pipe")
    if stat.S_ISBLK(info.st_mode) or (stat.S_ISCHR(info.st_mode) and info.st_rdev != _NULL_DEVICE):
        raise TraceError(f"{name} is a device: a trace goes to a file, a pipe or /dev/null")
    if stat.S_ISREG(info.st_mode) and name != "standard output":
        if info.st_uid == os.geteuid():
            os.fchmod(fd, 0o600)
        os.ftruncate(fd, 0)


class FrameSink:
    """Appends frames to a file; a frame that cannot be written whole is taken back where the file allows it."""

    def __init__(self, file: BinaryIO) -> None:
        """Write to `file` from where it stands, past any buffer it has."""
        file.flush()
        self._file: Final = file
        self._raw: Final[io.RawIOBase] = getattr(file, "raw", None) or cast(io.RawIOBase, file)
        self._can_cut: Final = file.seekable()
        self.offset = 0

    def write(self, data: bytes) -> None:
        """Append `data`; raises OSError, with the file ending where it ended before if it can be cut."""
        done = 0
        try:
            while done < len(data):
                written = self._raw.write(memoryview(data)[done:])
                if written is None:
                    raise BlockingIOError("the file does not block")
                done += written
        except OSError:
            self._take_back(done)
            raise
        self.offset += len(data)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _take_back(self, size: int) -> None:
        # from where the file stands now: one opened for appending never stood at its start
        if self._can_cut and size:
            with contextlib.suppress(OSError):
                self._raw.truncate(self._raw.tell() - size)
