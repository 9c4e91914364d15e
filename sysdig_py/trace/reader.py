"""Reading a native trace: header, blocks in order, and an honest account of what could not be read.

Nothing in the file is trusted; records are handed out as they were saved, so whoever walks them
validates them first (the engine does).
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final

import zstandard

from sysdig_py.errors import TraceError
from sysdig_py.trace import checkpoints, columns, compat, frames, index
from sysdig_py.trace import format as fmt
from sysdig_py.trace.bytesource import ByteSource
from sysdig_py.trace.format import BlockMeta, CheckpointMeta, FormatError, Frame, IndexEntry, Kind, Totals
from sysdig_py.trace.frames import DamageError

# Readable zero bytes after a block's records: a decoder that takes a fixed-size value from a
# shorter last parameter stays inside the buffer.
SLACK: Final = 64

Unpack = Callable[[bytes, int, memoryview], None]

# A file with more damaged places is given up, so that the list of them stays short.
MAX_HOLES: Final = 1000


@dataclass(frozen=True, slots=True)
class Block:
    """One block as read.

    Attributes:
        offset: of its frame in the trace.
        meta: what the frame says.
        records: the records; writable memory of its own, followed by SLACK zero bytes.
        packed: bytes of the frame's payload.
    """

    offset: int
    meta: BlockMeta
    records: memoryview
    packed: int


@dataclass(frozen=True, slots=True)
class Hole:
    """A place that could not be read: its first byte, why, and how many records it held (None: unknown)."""

    offset: int
    reason: str
    lost: int | None


class NativeReader:
    """A native trace, read once from front to back.

    Attributes:
        name: what to call the file in messages.
        records: records in the blocks handed out so far.
        header: the header's meta map, brought to the current version.
        totals: from the footer, None before it was reached.
        complete: the footer was reached and nothing was missing.
        cut_at: byte offset from which on nothing could be read; None while all is well.
        holes: every unreadable place, the one at `cut_at` included.
        unpack: how blocks by columns are read; whoever has something faster sets it before the first block.
    """

    def __init__(self, file: BinaryIO | Path | str, name: str = "", pushed_back: bytes = b"") -> None:
        """Open a trace and read its header.

        Args:
            file: a path, or a file that stands at the start of the trace (a pipe will do).
            name: for messages; a path is its own name.
            pushed_back: the trace's first bytes, when they were already taken from the file.

        Raises:
            TraceError: not a native trace, or one without a readable header.
        """
        self.name = name or (str(file) if isinstance(file, (str, Path)) else str(getattr(file, "name", "trace")))
        self._file = _open(file)
        self._source = ByteSource(self._file, pushed_back)
        self._seed = 0
        self._expected = 0
        self._hole_is_open = False
        self.records = 0
        self.unpack: Unpack = columns.unpack
        self.totals: Totals | None = None
        self.complete = False
        self.cut_at: int | None = None
        self.holes: list[Hole] = []
        try:
            self.header, self._convert = self._read_header()
        except FormatError as error:
            self.close()
            offset = getattr(error, "offset", 0)
            raise TraceError(f"{self.name}: unreadable trace header at byte {offset}: {error}") from error
        except OSError as error:
            self.close()
            raise self._io_error(error) from error

    def __enter__(self) -> NativeReader:
        """Return the reader."""
        return self

    def __exit__(self, _type: type[BaseException] | None, _value: object, _trace: TracebackType | None) -> None:
        """Close the file."""
        self.close()

    def __iter__(self) -> Iterator[Block]:
        """Yield the blocks that are left; `complete`, `cut_at` and `holes` are final after the last."""
        try:
            yield from self._blocks()
        except OSError as error:
            raise self._io_error(error) from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @property
    def offset(self) -> int:
        """How far the trace has been read, in bytes."""
        return self._source.offset

    def resume(self, is_early: Callable[[CheckpointMeta], bool], is_sound: Callable[[Block], bool]) -> list[Block]:
        """Have reading begin at the youngest checkpoint that is early enough; before the first block only.

        Args:
            is_early: judges a checkpoint.
            is_sound: judges what is in it.

        Returns:
            What tells all that was before; nothing, and nothing is skipped, when there is no such checkpoint: in a file
            that cannot seek, that was cut, or that is too short to have one.
        """
        if not self._file.seekable():
            return []
        here = self._file.tell()
        try:
            blocks = self._checkpoint(is_early)
        except (FormatError, OSError, zstandard.ZstdError):
            blocks = []
        if not blocks or not all(map(is_sound, blocks)):
            self._file.seek(here)
            return []
        self._expected = blocks[0].meta.before
        self._source = ByteSource(self._file, offset=self._file.tell())
        return blocks

    def _checkpoint(self, is_early: Callable[[CheckpointMeta], bool]) -> list[Block]:
        """Return the blocks of a checkpoint; the file then stands behind them."""
        last = self._footer().meta.get("checkpoint", 0)
        found = checkpoints.find(self._file, last if isinstance(last, int) else 0, is_early)
        if found is None:
            return []
        blocks = []
        for frame, meta in checkpoints.read(self._file, found, self._seed):
            block = BlockMeta(meta.raw, meta.count, meta.before, 0, 0)
            records = self._convert_records(_decompress(frame.payload, meta.raw))
            blocks.append(Block(frame.offset, block, records, len(frame.payload)))
        return blocks

    def read_index(self) -> tuple[IndexEntry, ...]:
        """Return the footer's index without reading the blocks; the file must be a seekable, complete trace.

        Raises:
            TraceError: the file cannot seek, or there is no sound footer.
        """
        try:
            here = self._file.tell()
            try:
                return self._index_at_end()
            finally:
                self._file.seek(here)
        except FormatError as error:
            raise TraceError(f"{self.name}: no index: {error}") from error
        except OSError as error:
            raise self._io_error(error) from error

    def _read_header(self) -> tuple[dict[str, Any], compat.RecordsConverter | None]:
        if self._source.read(len(fmt.MAGIC)) != fmt.MAGIC:
            raise FormatError("not a native trace")
        frame = frames.read_frame(self._source, 0)
        if frame is None or frame.kind != Kind.HEADER:
            raise DamageError(len(fmt.MAGIC), "the header is missing")
        header, convert = compat.upgrade(frame.meta)
        uid = header.get("uid")
        if not isinstance(uid, bytes) or not isinstance(header.get("machine"), dict):
            raise DamageError(frame.offset, "the header lacks uid or machine")
        self._seed = zlib.crc32(uid)
        return header, convert

    def _blocks(self) -> Iterator[Block]:
        while (frame := self._next_frame()) is not None:
            if frame.kind == Kind.FOOTER:
                self._finish(frame)
                return
            block = self._block(frame) if frame.kind == Kind.BLOCK else None
            if block:
                yield block

    def _next_frame(self) -> Frame | None:
        start = self._source.offset
        if len(self.holes) > MAX_HOLES:
            self._end_at(start, "too many damaged places")
            return None
        try:
            frame = frames.read_frame(self._source, self._seed)
            if frame is None:
                self._end_at(start, "the trace ends without its footer")
            return frame
        except DamageError as damage:
            self._open_hole(start, damage.reason)
        frame = frames.next_sound_frame(self._source, self._seed)
        if frame is None:
            self.cut_at = self.holes[-1].offset
        return frame

    def _block(self, frame: Frame) -> Block | None:
        try:
            meta = BlockMeta.parse(frame.meta)
            records = self._convert_records(self._records(frame.payload, meta))
            self._close_hole(frame.offset, meta.before)
        except (FormatError, zstandard.ZstdError) as error:
            self._open_hole(frame.offset, f"block refused: {error}")
            return None
        self._expected += meta.count
        self.records += meta.count
        return Block(frame.offset, meta, records, len(frame.payload))

    def _records(self, payload: bytes, meta: BlockMeta) -> memoryview:
        stored = _decompress(payload, meta.raw)
        if not meta.columns:
            return stored
        records = memoryview(bytearray(meta.raw + SLACK))[: meta.raw]
        self.unpack(bytes(stored), meta.count, records)
        return records

    def _convert_records(self, records: memoryview) -> memoryview:
        if self._convert is None:
            return records
        converted = self._convert(bytes(records))
        return memoryview(bytearray(converted) + bytes(SLACK))[: len(converted)]

    def _finish(self, footer: Frame) -> None:
        try:
            self.totals = Totals.parse(footer.meta)
            self._close_hole(footer.offset, fmt.unsigned(footer.meta, "records"))
        except FormatError as error:
            self._end_at(footer.offset, str(error))
            return
        end = self._source.offset
        trailer = self._source.read(fmt.TRAILER.size)
        if trailer != fmt.pack_trailer(footer.offset):
            self._end_at(end, "the trailer is damaged")
            self._close_hole(end, self._expected)
        elif self._source.read(1):
            self._end_at(end + fmt.TRAILER.size, "unknown bytes after the end of the trace")
        self.complete = not self.holes

    def _open_hole(self, offset: int, reason: str) -> None:
        """Note an unreadable place; the next sound frame tells how much it held."""
        if not self._hole_is_open:
            self.holes.append(Hole(offset, reason, None))
            self._hole_is_open = True

    def _close_hole(self, offset: int, before: int) -> None:
        """Count what is missing in front of a sound frame that follows `before` records."""
        lost = before - self._expected
        if lost < 0:
            raise FormatError("it repeats what was there before")
        if self._hole_is_open:
            self.holes[-1] = replace(self.holes[-1], lost=lost)
        elif lost:
            self.holes.append(Hole(offset, "blocks are missing", lost))
        self._hole_is_open, self._expected = False, before

    def _end_at(self, offset: int, reason: str) -> None:
        self._open_hole(offset, reason)
        self.cut_at = self.holes[-1].offset

    def _index_at_end(self) -> tuple[IndexEntry, ...]:
        return index.parse(self._footer().payload)

    def _footer(self) -> Frame:
        """Return the footer of a complete, seekable trace."""
        end = self._file.seek(0, 2)
        self._file.seek(max(0, end - fmt.TRAILER.size))
        offset = fmt.parse_trailer(self._file.read(fmt.TRAILER.size))
        if offset >= end:
            raise FormatError("the trailer points elsewhere")
        self._file.seek(offset)
        frame = frames.read_frame(ByteSource(self._file), self._seed)
        if frame is None or frame.kind != Kind.FOOTER:
            raise FormatError("the trailer points elsewhere")
        return frame

    def _io_error(self, error: OSError) -> TraceError:
        return TraceError(f"{self.name}: read failed at byte {self._source.offset}: {error.strerror or error}")


def _open(file: BinaryIO | Path | str) -> BinaryIO:
    if not isinstance(file, (str, Path)):
        return file
    try:
        return sys.stdin.buffer if str(file) == "-" else Path(file).open("rb")
    except OSError as error:
        raise TraceError(f"{file}: cannot open: {error.strerror}") from error


def _decompress(payload: bytes, raw: int) -> memoryview:
    """Decompress into memory of exactly `raw` bytes and SLACK zeros."""
    if zstandard.get_frame_parameters(payload).content_size != raw:
        raise FormatError("its size is not the stated one")
    buffer = bytearray(raw + SLACK)
    records = memoryview(buffer)[:raw]
    reader = zstandard.ZstdDecompressor(max_window_size=fmt.MAX_BLOCK_RAW).stream_reader(payload)
    if reader.readinto(records) != raw:
        raise FormatError("it ends early")
    return records
