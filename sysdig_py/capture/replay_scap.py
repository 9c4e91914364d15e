"""A .scap trace as a source of records: the engine walks its event blocks, its state blocks are converted here.

A block that makes no sense in a frame that does is left out. Where frames end to make sense the trace ends, and what
was read before counts. Either way there is one warning.
"""

from __future__ import annotations

import ctypes
import struct
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from sysdig_py.capture.source import CaptureStats
from sysdig_py.engine.vm import Engine, EngineFault, Status
from sysdig_py.errors import TraceError
from sysdig_py.schema.record import Flag, pack_record
from sysdig_py.schema.state import Section, State
from sysdig_py.trace.readahead import ReadAhead
from sysdig_py.trace.scap import layout, state_blocks
from sysdig_py.trace.scap.cursor import LayoutError
from sysdig_py.trace.scap.damage import Damage
from sysdig_py.trace.scap.reader import AHEAD, ScapReader
from sysdig_py.trace.scap.window import Window

if TYPE_CHECKING:
    from sysdig_py.capture.demand import Demand
    from sysdig_py.trace.scap.container_event import Told

# longer blocks are left out: a length that is wrong must not fill the memory
_MAX_BLOCK: Final = 256 << 20


class ScapReplay:
    """One .scap file being replayed.

    Attributes:
        machine: facts about the traced machine.
        is_live: False.
        name: the file.
        dialect: the engine's dialect for its events.
        warnings: what was wrong with the file.
    """

    is_live = False

    def __init__(self, reader: ScapReader, on_warning: Callable[[str], None] | None = None) -> None:
        """Replay what `reader` reads.

        Args:
            reader: the file, at its start.
            on_warning: called with every line that is added to `warnings`.
        """
        self.name, self.machine, self.dialect = reader.name, reader.machine, reader.dialect
        self.header: dict[str, Any] = {"start_ts": 0, "snaplen": 0}
        self.warnings: list[str] = []
        self._on_warning = on_warning
        self._engine: Engine | None = None
        self._blocks: Any = None
        self._begin(reader)

    def _begin(self, reader: ScapReader) -> None:
        """Begin with what `reader` reads."""
        self._reader = reader
        self._chunks = ReadAhead(iter(reader), AHEAD)
        self._window = Window(self._chunks)
        self._damage = Damage()
        self._spans: deque[tuple[int, int, object]] = deque()
        self._had_events = self._unsettled = self._ended = False
        self._restarted = False  # a section began in mid-file, and no event came yet
        self._told: tuple[bytes, Told] | None = None  # of the container event in hand, when the engine knows it
        self._bytes = 0

    def suggest_snaplen(self, snaplen: int) -> None:
        """Do nothing: what a saved trace holds of a buffer is settled."""

    def push_down(self, demand: Demand | None) -> None:
        """Do nothing: what a saved trace holds of events is settled."""

    def suggest_events(self, names: frozenset[str]) -> None:
        """Do nothing: what a saved trace holds is settled."""

    def start(self, engine: Engine) -> None:
        """Make ready to feed `engine`."""
        self._engine = engine
        self._blocks = engine.require("scap.blocks")
        self._blocks[b"open"](self._reader.is_repeatable)

    def skip_before(self, ts: int, rel: int) -> None:
        """Do nothing: a .scap holds its state at its start only."""

    def pump(self, engine: Engine) -> bool:
        """Feed what is ready, or the next blocks.

        Returns:
            False when the trace is at its end or the engine wants no more.

        Raises:
            TraceError: nothing of the file can be read.
            EngineFault: Lua code failed on a record; the next call goes on behind it.
        """
        if self._spans:
            return self._feed(engine)
        return not self._ended and self._walk(engine)

    def progress(self) -> float:
        """Return how much of the file was read, in percent; 0 for a pipe."""
        return self._reader.progress()

    def stop(self) -> None:
        """Read no further: the next `pump` is the end."""
        self._ended = True
        self._spans.clear()

    def stats(self) -> CaptureStats:
        """Return what was read so far."""
        numbers = self._engine.stats() if self._engine else {"events": 0}
        seconds = self._engine.execute("return require('ev').rel / 1e9") if self._engine else 0.0
        return CaptureStats(numbers["events"], self._bytes, {}, float(seconds))

    def close(self) -> None:
        """Close the file."""
        if self._chunks.close():
            self._reader.close()

    # --- blocks -> engine ----------------------------------------------------------------------

    def _walk(self, engine: Engine) -> bool:
        """Let the engine walk up to what it cannot do itself, and do that; False when it wants no more."""
        window, status = self._window, Status.OK
        if window.left >= layout.FRAME.size:
            status = self._walk_blocks(engine)
        if status is Status.AGAIN:
            self._begin_again(engine)
        elif status is Status.EVENT:
            self._settle()
        elif status is Status.STOP:
            return False
        elif window.left < layout.FRAME.size:
            self._read_more()
        elif status is not Status.FULL:
            self._stopped_by(status, *window.frame())
        return not self._ended or bool(self._spans)

    def _walk_blocks(self, engine: Engine) -> Status:
        window = self._window
        try:
            step, has_events = engine.feed_blocks(window.address, window.left, until_event=self._unsettled)
        except EngineFault as fault:
            self._passed(fault.consumed, has_events=True)
            raise
        self._passed(step.consumed, has_events=has_events)
        return step.status

    def _begin_again(self, engine: Engine) -> None:
        """Forget all that was read, and read it once more: this time the engine keeps the state that events make."""
        self._blocks[b"give_up"]()
        # only the thread knows when nobody reads the file any more
        while not self._chunks.close():
            pass
        self._begin(self._reader.again())
        engine.begin(self.machine, self.is_live, self.name)
        self._blocks[b"open"](False)

    def _passed(self, size: int, *, has_events: bool) -> None:
        self._window.advance(size)
        self._bytes += size
        if has_events:
            self._had_events, self._restarted = True, False

    def _stopped_by(self, status: Status, kind: int, size: int) -> None:
        """Deal with the block that the engine leaves to us."""
        if size < layout.SMALLEST:
            self._end(f"a block of {size} bytes")
        elif size > _MAX_BLOCK:
            self._pass_over(f"a block of {size} bytes", size)
        elif self._window.left < size:
            self._read_more(size)  # the block comes up again
        elif status is Status.CONTAINER:
            self._container_event(size)
        elif status is Status.BLOCK:
            self._other_block(kind, size)
        elif status is Status.DAMAGED:
            self._pass_over("a malformed event", size)

    def _settle(self) -> None:
        if self._unsettled:
            self._unsettled = False
            self._append(_section(Section.COMPLETE))

    def _append(self, data: bytes) -> None:
        memory = ctypes.create_string_buffer(data, len(data))
        self._spans.append((ctypes.addressof(memory), len(data), memory))
        self._bytes += len(data)

    def _read_more(self, wanted: int = 1) -> None:
        """Read on; at the end of the file the trace ends."""
        if not self._window.more(wanted):
            self._end(self._reader.cut or ("the last block is cut off" if self._window.left else ""))

    def _pass_over(self, problem: str, size: int) -> None:
        """Leave out the block here, or end where its frame is wrong as well."""
        where = self._window.offset
        if self._window.pass_over(size):
            self._damage.left_out(problem, where)
        else:
            self._end(self._reader.cut or problem, where)

    def _other_block(self, kind: int, size: int) -> None:
        """Take in a block that is not an event: state, a section header, or something unknown."""
        size = self._window.true_size(kind, size)
        if not size:
            self._end("a block that ends with another length than it starts with")
            return
        self._block(kind, self._window.view(layout.FRAME.size, size - layout.TRAILER.size))
        self._window.advance(size)

    def _block(self, kind: int, payload: bytes) -> None:
        if not (kind == layout.SECTION or layout.is_state(kind)):
            return
        try:
            records = b"".join(state_blocks.records(kind, memoryview(payload)))
        except LayoutError as error:
            self._note(f"a malformed block of type {kind:#x} ({error})")
            return
        if self._had_events:
            self._had_events, self._restarted = False, True
            self._append(_section(Section.BEGIN))
        if records:
            self._append(records)
            self._unsettled = True

    def _container_event(self, size: int) -> None:
        """Tell the engine of the container first; when the block comes up again, hand it over like any other event."""
        if self._told is None:
            self._tell_container(size)
            return
        (payload, told), self._told = self._told, None
        status = Status.OK
        if not self._restarted and self._engine:
            status = self._engine.feed_container(self._window.address, shown=told.shown).status
        if status is Status.FULL:
            self._told = payload, told
            return
        if status is Status.DAMAGED:
            self._note("a malformed container event")
        elif told.record and not self._restarted:
            self._blocks[b"remember"](payload, told.record, told.shown)
        self._passed(size, has_events=False)

    def _tell_container(self, size: int) -> None:
        self._settle()
        # few traces have any
        from sysdig_py.trace.scap import container_event

        try:
            kind, payload, width, count = self._blocks[b"payload"](self._window.address)
            counted = None if count is None else int(count)
            self._told = payload, container_event.told(int(kind), bytes(payload), int(width), counted)
        except LayoutError as error:
            self._note(f"a malformed container event ({error})")
            self._window.advance(size)
            return
        if self._told[1].record:
            self._append(self._told[1].record)

    # --- damage -------------------------------------------------------------------------------

    def _note(self, problem: str) -> None:
        """The block in hand is left out."""
        self._damage.left_out(problem, self._window.offset)

    def _end(self, problem: str, where: int | None = None) -> None:
        """The trace ends here: as it should ("") or with a problem, at `where` (default: the block in hand)."""
        self._ended = True
        where = self._window.offset if where is None else where
        if problem and not self._bytes:
            raise TraceError(f"{self.name}: nothing can be read: {problem} at byte {where}")
        line = self._damage.told(problem, where)
        if not line:
            return
        self.warnings.append(f"{self.name}: {line}")
        if self._on_warning:
            self._on_warning(self.warnings[-1])

    # --- spans -> engine ----------------------------------------------------------------------

    def _feed(self, engine: Engine) -> bool:
        address, size, owner = self._spans.popleft()
        try:
            step = engine.feed(address, size)
        except EngineFault as fault:
            self._put_back(address, size, owner, fault.consumed)
            raise
        self._put_back(address, size, owner, step.consumed)
        return step.status is not Status.STOP

    def _put_back(self, address: int, size: int, owner: object, consumed: int) -> None:
        if consumed < size:
            self._spans.appendleft((address + consumed, size - consumed, owner))


def _section(phase: Section) -> bytes:
    return pack_record(State.SECTION, [struct.pack("<B", phase)], flags=Flag.STATE_ONLY)
