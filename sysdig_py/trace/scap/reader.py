"""The bytes of a .scap file, plain or compressed, and what must be known of it before it is read."""

from __future__ import annotations

import contextlib
import os
import stat
import zlib
from collections import deque
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from sysdig_py.errors import TraceError
from sysdig_py.trace.bytesource import ByteSource
from sysdig_py.trace.scap.cursor import LayoutError
from sysdig_py.trace.scap.state_blocks import machine
from sysdig_py.trace.scap.survey import Survey

GZIP: Final = b"\x1f\x8b"
CHUNK: Final = 1 << 20
# of a file that takes a while anyway: going from one chunk to the next costs as much as some thousand events
_LARGE_CHUNK: Final = 1 << 22
_LARGE: Final = 256 << 20
# free bytes at the start of every chunk, so that what is left of the one before finds its place there
ROOM: Final = 1 << 16
# Fresh memory for each chunk would be cleared first, and that while nobody else can run Python. So there are a few
# buffers that are filled in turn: for the chunk being read, the AHEAD that wait, the one in hand and the one before.
AHEAD: Final = 2
_BUFFERS: Final = AHEAD + 3
_SURVEYED: Final = 64 << 20


class ScapReader:
    """A .scap file.

    Attributes:
        name: of the file.
        machine: facts about the traced machine.
        dialect: the engine's dialect for its events (`Engine`).
        cut: why the stream of bytes ended early, "" when it did not.
    """

    def __init__(self, file: BinaryIO, name: str, pushed_back: bytes = b"") -> None:
        """Read as much as it takes to know what it is.

        Raises:
            TraceError: not a .scap, or one that nothing can be read of.
        """
        self._file: Final = file
        self.name = name
        self.cut = ""
        self._size = _size(file)
        self._start_at = file.tell() - len(pushed_back) if self._size else 0
        self._source = ByteSource(file, pushed_back)
        self._chunks = self._decompressed(self._source)
        self._start = bytearray()
        survey = self._survey()
        if survey.refusal:
            raise TraceError(f"{name}: {survey.refusal}")
        self.dialect = survey.dialect
        self.machine: dict[str, Any] = _machine(survey)

    def _survey(self) -> Survey:
        survey = Survey()
        for chunk in self._chunks:
            self._start += chunk[ROOM:]
            if survey.look(self._start) or len(self._start) > _SURVEYED:
                break
        survey.finish(self._start)
        return survey

    def __iter__(self) -> Iterator[bytearray]:
        """Yield the decompressed bytes in order; the first `ROOM` bytes of each chunk are free, and not of the file.

        A chunk is written over when the one that comes `AHEAD` + 3 later is asked for.
        """
        start, self._start = bytearray(ROOM) + self._start, bytearray()
        yield start
        yield from self._chunks

    @property
    def is_repeatable(self) -> bool:
        """Whether the file can be read again: a pipe cannot."""
        return self._size > 0

    def again(self) -> ScapReader:
        """Return a reader at the start of the same file; this one is not to be used any more.

        Raises:
            TraceError: it is not a .scap any more.
        """
        self._file.seek(self._start_at)
        return ScapReader(self._file, self.name)

    def progress(self) -> float:
        """Return how much of the file was read, in percent; 0 where its size is not known."""
        return 100.0 * min(self._source.offset / self._size, 1.0) if self._size else 0.0

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _decompressed(self, source: ByteSource) -> Iterator[bytearray]:
        start = source.read(len(GZIP))
        source.unread(start)
        if start == GZIP:
            for data in self._gunzipped(source):
                yield bytearray(ROOM) + data
            return
        size = wanted = _LARGE_CHUNK if self._size >= _LARGE else CHUNK
        buffers: deque[bytearray] = deque(maxlen=_BUFFERS)
        while size == wanted:
            chunk = buffers[0] if len(buffers) == _BUFFERS else bytearray(ROOM + wanted)
            buffers.append(chunk)
            with memoryview(chunk) as memory, memory[ROOM:] as free:
                size = source.read_into(free)
            if size < wanted:
                del chunk[ROOM + size :]
            if size:
                yield chunk

    def _gunzipped(self, source: ByteSource) -> Iterator[bytes]:
        """Yield what the members hold, one after the other; zeros behind the last are padding."""
        data = source.read(CHUNK)
        while data.strip(b"\0"):
            member = zlib.decompressobj(wbits=31)
            while not member.eof:
                if not data:
                    self.cut = "the compressed data ends early"
                    return
                before = member.copy()
                try:
                    yield member.decompress(data, CHUNK)
                except zlib.error as error:
                    self.cut = f"the compressed data is damaged ({error})"
                    yield _up_to_damage(before, data)
                    return
                data = member.unconsumed_tail or source.read(CHUNK) if not member.eof else b""
            data = member.unused_data or source.read(CHUNK)


def _up_to_damage(member: zlib._Decompress, data: bytes) -> bytes:
    """Return what `data` holds before the byte that cannot be."""
    whole = bytearray()
    for step in (4096, 1):
        with contextlib.suppress(zlib.error):
            while data:
                before = member.copy()
                whole += member.decompress(data[:step])
                data = data[step:]
        member = before
    return bytes(whole)


def _size(file: BinaryIO) -> int:
    """Return the size of a regular file, 0 for anything else."""
    try:
        status = os.fstat(file.fileno())
    except (OSError, ValueError):
        return 0
    return status.st_size if stat.S_ISREG(status.st_mode) else 0


def _machine(survey: Survey) -> dict[str, Any]:
    try:
        return machine(memoryview(survey.machine)) if survey.machine is not None else {}
    except LayoutError:
        return {}
