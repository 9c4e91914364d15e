"""A saved trace as a source of records: block by block into the engine, validated, damage reported.

A damaged place becomes one warning and one GAP record, so that whoever counts events sees the loss
where it is. A trace of which nothing can be read is an error.
"""

from __future__ import annotations

import ctypes
import struct
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sysdig_py.capture.source import CaptureStats
from sysdig_py.engine.block_codec import BlockCodec
from sysdig_py.engine.vm import DIALECTS, Engine, EngineFault, Status
from sysdig_py.errors import TraceError
from sysdig_py.schema.record import Flag, pack_record
from sysdig_py.schema.state import State
from sysdig_py.trace.detect import open_trace
from sysdig_py.trace.format import CheckpointMeta, Totals
from sysdig_py.trace.readahead import ReadAhead
from sysdig_py.trace.reader import SLACK, Block, Hole, NativeReader

if TYPE_CHECKING:
    from sysdig_py.capture.demand import Demand

GAP_CAUSE: Final = "trace-damage"
_MAX_WARNINGS: Final = 8
_U64_MAX: Final = (1 << 64) - 1


class Replay:
    """One trace file being replayed.

    Attributes:
        machine: facts about the traced machine.
        is_live: False.
        name: the file.
        header: the trace's header.
        dialect: the engine's dialect for its events.
        warnings: one line per damaged place, the first few only.
    """

    is_live = False

    def __init__(self, path: str | Path | NativeReader, on_warning: Callable[[str], None] | None = None) -> None:
        """Open a trace.

        Args:
            path: the file, "-" for standard input; or its reader.
            on_warning: called with every line that is added to `warnings`.

        Raises:
            TraceError: not a trace that can be read.
        """
        reader = open_trace(path) if isinstance(path, (str, Path)) else path
        if not isinstance(reader, NativeReader):
            raise TraceError(f"{reader.name}: not a native trace")
        reader.unpack = BlockCodec().unpack
        self._reader = reader
        self.name = self._reader.name
        self.header = self._reader.header
        self.machine = _facts(self.header["machine"])
        self.dialect = _dialect(self.header, self.name)
        self.warnings: list[str] = []
        self._on_warning = on_warning
        self._engine: Engine | None = None
        self._validate: Callable[[int, int], tuple[int, int]] | None = None
        self._steps = ReadAhead(_steps(self._reader))
        self._spans: deque[memoryview] = deque()
        self._totals: Totals | None = None
        self._stopped = False
        self._size = file_size(self.name)
        self._position = 0
        self._stats = CaptureStats()
        self._first_ts = 0
        self._last_ts = 0

    def last_ts(self) -> int:
        """Return the time of the last event, ns since the epoch, by the trace's index; before `start`.

        Raises:
            TraceError: the trace has no index: it is cut, or comes through a pipe.
        """
        return max((entry.last_ts for entry in self._reader.read_index()), default=0)

    def suggest_snaplen(self, snaplen: int) -> None:
        """Do nothing: what a saved trace holds of a buffer is settled."""

    def push_down(self, demand: Demand | None) -> None:
        """Do nothing: what a saved trace holds of events is settled."""

    def suggest_events(self, names: frozenset[str]) -> None:
        """Do nothing: what a saved trace holds is settled."""

    def start(self, engine: Engine) -> None:
        """Make ready to feed `engine`."""
        self._engine = engine
        self._validate = engine.require("validate")[b"validate"]

    def skip_before(self, ts: int, rel: int) -> None:
        """Begin at the youngest checkpoint before this time, if there is one: the events before it are not read.

        Args:
            ts: ns since the epoch; 0 when `rel` says it.
            rel: ns after the first event.
        """
        chosen: list[CheckpointMeta] = []

        def is_early(meta: CheckpointMeta) -> bool:
            chosen[:] = [meta]
            return meta.last_ts < (ts or meta.start_ts + rel)

        blocks = self._reader.resume(is_early, self._is_sound)
        if blocks:
            known = chosen[0]
            self._steps = ReadAhead(chain(((block, []) for block in blocks), _steps(self._reader)))
            self._stats.bytes = known.raw_before - sum(len(block.records) for block in blocks)
            self._note_times(known.first_ts, known.last_ts)

    def _is_sound(self, block: Block) -> bool:
        assert self._validate is not None, "start() comes first"
        return int(self._validate(_address(block.records), len(block.records))[0]) == len(block.records)

    def pump(self, engine: Engine) -> bool:
        """Feed what is left of the current block, or the next one.

        Returns:
            False when the trace is at its end or the engine wants no more.

        Raises:
            TraceError: the file cannot be read, or nothing of it could be.
            EngineFault: Lua code failed on a record; the next call goes on behind it.
        """
        if self._stopped or (not self._spans and not self._next_block()):
            return False
        return self._feed(engine)

    def progress(self) -> float:
        """Return how much of the file was read, in percent; 0 for a pipe."""
        return 100.0 * min(self._position / self._size, 1.0) if self._size else 0.0

    def stop(self) -> None:
        """Read no further: the next `pump` is the end."""
        self._stopped = True

    def stats(self) -> CaptureStats:
        """Return what was read so far, and what the capture itself lost."""
        lost = dict(self._stats.lost)
        for cause, count in (self._totals.lost if self._totals else {}).items():
            lost[cause] = lost.get(cause, 0) + count
        seconds = (self._last_ts - self._first_ts) / 1e9
        return CaptureStats.of(self._engine.stats() if self._engine else {}, self._stats.bytes, lost, seconds)

    def close(self) -> None:
        """Close the file."""
        if self._steps.close():
            self._reader.close()

    def _next_block(self) -> bool:
        """Make the next block (and what is missing before it) the spans to feed; False at the end."""
        block, holes = next(self._steps, (None, []))
        for hole in holes:
            self._report(hole)
        if block is not None:
            self._take(block)
        else:
            self._finish()
        return bool(self._spans)

    def _finish(self) -> None:
        self._position = self._size
        self._totals = self._reader.totals
        if not self._reader.complete and not self._stats.bytes:
            hole = self._reader.holes[0]
            raise TraceError(f"{self.name}: nothing can be read: {hole.reason} at byte {hole.offset}")

    def _take(self, block: Block) -> None:
        assert self._validate is not None, "start() comes first"
        self._position = block.offset
        size = len(block.records)
        sound, count = self._validate(_address(block.records), size)
        if sound:
            self._spans.append(block.records[: int(sound)])
            self._note_times(block.meta.first_ts, block.meta.last_ts)
            self._stats.bytes += int(sound)
        if sound < size:
            where = f"the block's record at {int(sound)} is malformed"
            self._report(Hole(block.offset, where, max(0, block.meta.count - int(count))))

    def _note_times(self, first_ts: int, last_ts: int) -> None:
        if first_ts:
            self._first_ts = min(self._first_ts or first_ts, first_ts)
            self._last_ts = max(self._last_ts, last_ts)

    def _feed(self, engine: Engine) -> bool:
        span = self._spans.popleft()
        try:
            step = engine.feed(_address(span), len(span))
        except EngineFault as fault:
            self._put_back(span, fault.consumed)
            raise
        self._put_back(span, step.consumed)
        return step.status is not Status.STOP

    def _put_back(self, span: memoryview, consumed: int) -> None:
        if consumed < len(span):
            self._spans.appendleft(span[consumed:])

    def _report(self, hole: Hole) -> None:
        """Turn a damaged place into a warning, a count and, when its size is known, a GAP record."""
        if hole.lost:
            total = self._stats.lost.get(GAP_CAUSE, 0) + hole.lost
            self._stats.lost[GAP_CAUSE] = total
            self._spans.append(_gap(hole.lost, total))
        if len(self.warnings) < _MAX_WARNINGS:
            self._warn(self._describe(hole))
        elif len(self.warnings) == _MAX_WARNINGS:
            self._warn(f"{self.name}: more damaged places follow, they are counted as lost ({GAP_CAUSE})")

    def _describe(self, hole: Hole) -> str:
        where = f"{self.name}: {hole.reason}, at byte {hole.offset}"
        if hole.offset == self._reader.cut_at:
            read = f"{self._reader.records} records before it were read"
            return f"{where}: {'nothing is lost' if hole.lost == 0 else 'what follows is lost'}; {read}"
        return f"{where}: {'an unknown number of' if hole.lost is None else hole.lost} records lost; reading goes on"

    def _warn(self, line: str) -> None:
        self.warnings.append(line)
        if self._on_warning:
            self._on_warning(line)


def file_size(path: str | Path) -> int:
    """Return the bytes of a file, 0 for what has no size (a pipe, a device)."""
    try:
        return Path(path).stat().st_size
    except OSError:
        return 0


def _steps(reader: NativeReader) -> Iterator[tuple[Block | None, list[Hole]]]:
    """Yield every block with the holes right before it, and at the end the holes after the last."""
    seen = 0
    for block in reader:
        yield block, reader.holes[seen:]
        seen = len(reader.holes)
    yield None, reader.holes[seen:]


def _address(span: memoryview) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(span))


def _gap(count: int, total: int) -> memoryview:
    numbers = [struct.pack("<Q", min(number, _U64_MAX)) for number in (count, total)]
    params = [GAP_CAUSE.encode() + b"\0", *numbers, struct.pack("<h", -1)]
    record = pack_record(State.GAP, params, flags=Flag.STATE_ONLY)
    return memoryview(bytearray(record) + bytes(SLACK))[: len(record)]


def _dialect(header: Mapping[str, Any], name: str) -> str:
    """Return the engine's dialect for a trace's events."""
    dialect = header.get("dialect", "")
    if dialect not in DIALECTS:
        raise TraceError(f"{name}: events of an unknown kind ({dialect!r}); this sysdig-py is too old for it")
    return str(dialect)


def _facts(machine: Mapping[Any, Any]) -> dict[str, Any]:
    """Keep what a machine fact can be: text or a number that any consumer can hold."""
    facts: dict[str, Any] = {}
    for key, value in machine.items():
        if isinstance(value, (str, bytes)):
            facts[str(key)] = value if isinstance(value, str) else value.decode(errors="replace")
        elif isinstance(value, (int, float)) and abs(value) <= _U64_MAX >> 1:
            facts[str(key)] = value
    return facts
