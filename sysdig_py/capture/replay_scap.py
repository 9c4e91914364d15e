"""A .scap trace as a source of records: its event blocks are converted by the engine, its state blocks here.

The trace is read up to the first damage; what was read before it counts, the damage becomes one warning.
"""

from __future__ import annotations

import ctypes
import enum
import struct
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from sysdig_py.capture.source import CaptureStats
from sysdig_py.engine.vm import Engine, EngineFault, Status
from sysdig_py.errors import TraceError
from sysdig_py.schema.record import Flag, pack_record
from sysdig_py.schema.state import Section, State
from sysdig_py.trace.readahead import ReadAhead
from sysdig_py.trace.scap import container_event, layout, state_blocks
from sysdig_py.trace.scap.cursor import LayoutError
from sysdig_py.trace.scap.reader import ScapReader


class _Status(enum.IntEnum):
    """Why a conversion came back: the numbers of `scap/blocks.lua`."""

    NEED = 0
    BLOCK = 1
    CONTAINER = 2
    FULL = 3
    DAMAGED = 4


_MAX_BLOCK: Final = 1 << 30


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
        self._reader = reader
        self.name, self.machine, self.dialect = reader.name, reader.machine, reader.dialect
        self.header: dict[str, Any] = {"start_ts": 0, "snaplen": 0}
        self.warnings: list[str] = []
        self._on_warning = on_warning
        self._chunks = ReadAhead(iter(reader))
        self._data = bytearray()
        self._at = 0  # in _data
        self._passed = 0  # bytes of the trace before _data
        self._spans: deque[tuple[int, int, object]] = deque()
        self._engine: Engine | None = None
        self._blocks: Any = None
        self._had_events = self._unsettled = self._ended = False
        self._restarted = False  # a section began in mid-file, and no event came yet
        self._bytes = 0

    def suggest_snaplen(self, snaplen: int) -> None:
        """Do nothing: what a saved trace holds of a buffer is settled."""

    def start(self, engine: Engine) -> None:
        """Make ready to feed `engine`."""
        self._engine = engine
        self._blocks = engine.require("scap.blocks")
        self._blocks[b"open"]()

    def pump(self, engine: Engine) -> bool:
        """Feed what is ready, or get the next blocks ready.

        Returns:
            False when the trace is at its end or the engine wants no more.

        Raises:
            TraceError: nothing of the file can be read.
            EngineFault: Lua code failed on a record; the next call goes on behind it.
        """
        while not self._spans and not self._ended:
            self._convert()
        return self._feed(engine) if self._spans else False

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

    # --- blocks -> spans of records -----------------------------------------------------------

    def _address(self, at: int) -> int:
        return ctypes.addressof(ctypes.c_char.from_buffer(self._data)) + at

    def _convert(self) -> None:
        """Convert up to what the engine's converter cannot do itself, and do that."""
        status = _Status.NEED
        if len(self._data) > self._at:
            result = self._blocks[b"convert"](self._address(self._at), len(self._data) - self._at)
            status = _Status(int(result[0]))
            self._at += int(result[1])
            if result[2]:
                # these first, they lie in the converter's memory; the block that stopped it comes up again
                self._take_converted(int(result[2]))
                return
        if status is _Status.NEED:
            self._read_more(layout.SMALLEST)
        elif status is _Status.BLOCK:
            self._other_block()
        elif status is _Status.CONTAINER:
            self._container_event()
        elif status is _Status.DAMAGED:
            self._end("a malformed event block")

    def _take_converted(self, size: int) -> None:
        address = int(self._blocks[b"take"]())
        self._settle()
        self._had_events, self._restarted = True, False
        self._spans.append((address, size, None))
        self._bytes += size

    def _settle(self) -> None:
        if self._unsettled:
            self._unsettled = False
            self._append(_section(Section.COMPLETE))

    def _append(self, data: bytes) -> None:
        memory = ctypes.create_string_buffer(data, len(data))
        self._spans.append((ctypes.addressof(memory), len(data), memory))
        self._bytes += len(data)

    def _read_more(self, wanted: int) -> bool:
        """Read on; False at the end of the file, which then is the end of the trace."""
        chunk = next(self._chunks, b"")
        if not chunk:
            left = len(self._data) - self._at
            cut = self._reader.cut or ("the last block is cut off" if left else "")
            self._end(cut)
            return False
        del self._data[: self._at]
        self._passed, self._at = self._passed + self._at, 0
        self._data += chunk
        return len(self._data) >= wanted or self._read_more(wanted)

    def _other_block(self) -> None:
        """Take in a block that is not an event: state, a section header, or something unknown."""
        kind, size = layout.FRAME.unpack_from(self._data, self._at)
        if not layout.SMALLEST <= size <= _MAX_BLOCK:
            self._end(f"a block of {size} bytes")
            return
        if len(self._data) - self._at < size:
            # the rest first; the block comes up again
            self._read_more(size)
            return
        size = self._true_size(kind, size)
        if not size:
            self._end("a block that ends with another length than it starts with")
            return
        self._block(kind, bytes(memoryview(self._data)[self._at + layout.FRAME.size : self._at + size - 4]))
        self._at += size

    def _true_size(self, kind: int, size: int) -> int:
        """Return the size of the block here; 0 when its two lengths disagree and nothing tells the truth."""
        (trailer,) = layout.TRAILER.unpack_from(self._data, self._at + size - layout.TRAILER.size)
        if trailer == size:
            return size
        if kind not in layout.INTERFACES or layout.INTERFACES[kind] < 2:
            return 0
        start = self._at + layout.FRAME.size
        end = state_blocks.interfaces_end(memoryview(bytes(self._data[start : start + 4 * size])))
        whole = layout.SMALLEST + (end or 0)
        tail = self._data[self._at + whole - layout.TRAILER.size : self._at + whole]
        return whole if bytes(tail) == layout.TRAILER.pack(size) else 0

    def _block(self, kind: int, payload: bytes) -> None:
        if not (kind == layout.SECTION or layout.is_state(kind)):
            return
        if self._had_events:
            self._had_events, self._restarted = False, True
            self._append(_section(Section.BEGIN))
        try:
            records = b"".join(state_blocks.records(kind, memoryview(payload)))
        except LayoutError as error:
            self._end(f"a malformed block of type {kind:#x} ({error})")
            return
        if records:
            self._append(records)
            self._unsettled = True

    def _container_event(self) -> None:
        """Tell the engine of the container, then hand over the event like any other."""
        address = self._address(self._at)
        _, size = layout.FRAME.unpack_from(self._data, self._at)
        self._settle()
        try:
            kind, data, width, count = self._blocks[b"payload"](address)
            counted = None if count is None else int(count)
            known, shown = container_event.record(int(kind), bytes(data), int(width), counted)
        except LayoutError as error:
            self._end(f"a malformed container event ({error})")
            return
        if known:
            self._append(known)
        if not self._restarted:
            self._container_record(address, shown)
        self._at += size

    def _container_record(self, address: int, shown: bool) -> None:
        status = _Status(int(self._blocks[b"convert_container"](address, shown)))
        if status is _Status.DAMAGED:
            self._end("a malformed container event")
            return
        self._append(ctypes.string_at(int(self._blocks[b"take"]()), int(self._blocks[b"made"]())))

    def _end(self, problem: str) -> None:
        self._ended = True
        if not problem:
            return
        where = self._passed + self._at
        line = f"{self.name}: {problem}, at byte {where}: what follows is lost"
        if not self._bytes:
            raise TraceError(f"{self.name}: nothing can be read: {problem} at byte {where}")
        self.warnings.append(line)
        if self._on_warning:
            self._on_warning(line)

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
