"""Checkpoints: all that a trace has told so far, written now and then, so that reading may begin in the middle.

A checkpoint is made of state records (`schema.state`). Its frames form a chain from the footer back to the first one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import BinaryIO, Final, NamedTuple, Protocol

import zstandard

from sysdig_py.trace import format as fmt
from sysdig_py.trace import frames
from sysdig_py.trace.bytesource import ByteSource
from sysdig_py.trace.format import CheckpointMeta, FormatError, Frame, Kind

# bytes of records of a frame, well below the limit of a block
PART_BYTES: Final = 8 << 20
LEVEL: Final = 3
# More than this of the writer's queue is taken: the load is what counts now.
_BUSY: Final = 0.5


class State(NamedTuple):
    """What is known: time of the first event (0: none), and the records that tell it, in parts of bytes and count."""

    start_ts: int
    parts: list[tuple[bytes, int]]


class Keeper(Protocol):
    """Who follows the records and knows what they told (`engine.state_keeper`)."""

    def feed(self, records: bytes) -> None:
        """Take in whole records."""

    def state(self, part_bytes: int) -> State:
        """Return all that is known, in parts of about that size."""


class Pace(NamedTuple):
    """How often a checkpoint is written: not before each of these was reached since the last one.

    Attributes:
        raw: bytes of records.
        size: bytes in the file, as a multiple of the last checkpoint's.
        time: seconds, as a multiple of what making the last one took.
    """

    raw: int = 64 << 20
    size: int = 32
    time: int = 20


_USUAL: Final = Pace()


class Position(NamedTuple):
    """Where the writer is: bytes of the file, records and their bytes so far, lowest and highest time stamp."""

    offset: int
    records: int
    raw: int
    first_ts: int
    last_ts: int


class CheckpointWriter:
    """Follows what is written and says when a checkpoint is due, and what is in it.

    Attributes:
        last: offset of the last checkpoint, 0 for none.
    """

    def __init__(self, keeper: Keeper, pace: Pace = _USUAL) -> None:
        """Have `keeper` follow the records."""
        self._keeper: Final = keeper
        self._pace: Final = pace
        self._given_up = False
        self._raw = self._offset = self._size = 0
        self._due_at = 0.0
        self.last = 0

    def follow(self, records: bytes, fill: float) -> None:
        """Take in what was written; `fill`: how full the queue behind it is. A full one ends all following for good."""
        self._given_up = self._given_up or fill > _BUSY
        if not self._given_up:
            self._keeper.feed(records)

    def frames(self, position: Position, seed: int) -> bytes:
        """Return the frames of a checkpoint to be written at this place; b"" when none is due."""
        if self._given_up or not self._is_due(position):
            return b""
        began = time.monotonic()
        made = self._made(position, seed)
        self._due_at = time.monotonic() + self._pace.time * (time.monotonic() - began)
        self._raw, self._size, self._offset, self.last = position.raw, len(made), position.offset, position.offset
        return made

    def _is_due(self, position: Position) -> bool:
        is_long = position.raw - self._raw >= self._pace.raw
        is_large = position.offset - self._offset >= self._pace.size * self._size
        return is_long and is_large and time.monotonic() >= self._due_at

    def _made(self, position: Position, seed: int) -> bytes:
        state = self._keeper.state(PART_BYTES)
        compressor, made = zstandard.ZstdCompressor(level=LEVEL), []
        for number, (records, count) in enumerate(state.parts, 1):
            meta = CheckpointMeta(
                raw=len(records),
                count=count,
                left=len(state.parts) - number,
                before=position.records,
                raw_before=position.raw,
                start_ts=state.start_ts,
                first_ts=position.first_ts,
                last_ts=position.last_ts,
                previous=self.last,
            )
            made.append(fmt.pack_frame(Kind.CHECKPOINT, asdict(meta), compressor.compress(records), seed))
        return b"".join(made)


def find(file: BinaryIO, last: int, is_early: Callable[[CheckpointMeta], bool]) -> int | None:
    """Return the offset of the youngest checkpoint that is early enough; None for none.

    Args:
        file: a seekable trace.
        last: offset of its last checkpoint.
        is_early: judges one.

    Raises:
        FormatError: the chain is broken.
    """
    at = last
    while at:
        meta = CheckpointMeta.parse(_meta_at(file, at))
        if is_early(meta):
            return at
        if meta.previous >= at:
            raise FormatError("a chain of checkpoints that does not lead back")
        at = meta.previous
    return None


def _meta_at(file: BinaryIO, offset: int) -> dict[str, object]:
    file.seek(offset)
    kind, length = fmt.parse_head(file.read(fmt.HEAD.size).ljust(fmt.HEAD.size, b"\0"))
    if kind != Kind.CHECKPOINT:
        raise FormatError("a chain of checkpoints that leads elsewhere")
    return fmt.unpack_meta(file.read(length))


def read(file: BinaryIO, offset: int, seed: int) -> Iterator[tuple[Frame, CheckpointMeta]]:
    """Yield the frames of the checkpoint at `offset`; the file then stands behind them.

    Raises:
        FormatError: they are damaged.
    """
    left = 0
    while True:
        file.seek(offset)
        source = ByteSource(file)
        frame = frames.read_frame(source, seed)
        if frame is None or frame.kind != Kind.CHECKPOINT:
            raise FormatError("a checkpoint that ends early")
        meta = CheckpointMeta.parse(frame.meta)
        if left and meta.left != left - 1:
            raise FormatError("a checkpoint whose frames are out of order")
        left, offset = meta.left, offset + source.offset
        file.seek(offset)
        yield frame, meta
        if not left:
            return
