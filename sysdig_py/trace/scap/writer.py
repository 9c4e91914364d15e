"""Writing a .scap that sysdig 0.29.3 reads: state blocks, then event blocks; gzip around it all when asked for."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol

from sysdig_py.schema.record import Flag, Record, unpack_record
from sysdig_py.schema.state import FIRST, STATE_TYPES, Section, State
from sysdig_py.trace.background import BackgroundWriter
from sysdig_py.trace.format import Stats
from sysdig_py.trace.scap import container_event, late_state
from sysdig_py.trace.scap.facts import Facts
from sysdig_py.trace.scap.head import head
from sysdig_py.trace.span_queue import Span

BLOCK_BYTES: Final = 1 << 20
FLUSH_SECONDS: Final = 1.0
# gzip as small as it reasonably gets, and (a tenth to a third larger) in half the time: for what cannot wait
SMALL: Final = 6
QUICK: Final = 3
# the event that `record_sink.lua` writes in the place of a first one that is not kept
_CLOCK: Final = 148
_CONTAINER_EVENTS: Final = container_event.JSON | {container_event.BINARY}


class Encoder(Protocol):
    """What makes event blocks of records (`engine.encoder.EventEncoder`)."""

    def encode(self, records: bytes, offset: int) -> int:
        """Encode up to the next state record or the end; return where that is."""

    def late(self, record: bytes) -> None:
        """Write the event of this record right before the next event."""

    def take(self) -> bytes:
        """Return the blocks made since the last call."""

    def finish(self) -> bytes:
        """Return the blocks of everything that waits."""


class ScapWriter(BackgroundWriter):
    """One .scap being written. The state that comes before the first event becomes the head of the file."""

    needs_users_first = True

    def __init__(
        self,
        file: BinaryIO | Path | str,
        machine: Mapping[str, Any],
        encoder: Encoder,
        *,
        level: int = 0,
        flush_seconds: float = FLUSH_SECONDS,
    ) -> None:
        """Open the file and start the thread.

        Args:
            file: a path ("-": standard output), or a file opened for binary writing.
            machine: facts about the traced machine.
            encoder: makes the event blocks; of the dialect of the records.
            level: of gzip, 0 for none.
            flush_seconds: no record waits longer than this for others to join it.

        Raises:
            TraceError: the file cannot be opened or written.
        """
        super().__init__(file, BLOCK_BYTES, flush_seconds)
        self._machine: Final = machine
        self._encoder: Final = encoder
        self._gzip = zlib.compressobj(level, wbits=31) if level else None
        self._state: list[Record] | None = []  # None once the head was written
        self._container: Record | None = None
        self._cgroups: dict[int, bytes] = {}
        self._begin()

    def _start(self) -> None:
        """Begin with the head, which comes with the first event."""

    def _write(self, spans: list[Span]) -> None:
        for span in spans:
            at = 0
            while at < len(span.records):
                at = self._step(span.records, at)
        self._put(self._encoder.take())
        if self._gzip:
            # so that what was written so far can be read, whatever happens
            self._sink.write(self._gzip.flush(zlib.Z_SYNC_FLUSH))

    def _step(self, records: bytes, at: int) -> int:
        """Take in the record at `at`, or all events from there on; return where the next one is."""
        record = unpack_record(records, at)
        if record.type_code >= FIRST:
            self._state_record(record)
            return at + record.size
        if record.type_code == _CLOCK and record.flags & Flag.STATE_ONLY:
            # says when the events began that a filter left out; files of sysdig begin with the first that is kept
            return at + record.size
        self._settle_container(record)
        if self._state is not None:
            self._write_head()
        return self._encoder.encode(records, at)

    def _state_record(self, record: Record) -> None:
        if record.type_code == State.CONTAINER:
            self._settle_container(None)
            self._container = record
        elif record.type_code == State.SECTION:
            self._section(record)
        elif record.type_code == State.CGROUP:
            facts = Facts(record)
            self._cgroups[facts.number("cgroup_id")] = facts.text("path")
        elif self._state is not None:
            self._state.append(record)
        else:
            self._tell(record)

    def _section(self, record: Record) -> None:
        """Begin a section where the records have one: with a head of its own."""
        if record.params[:1] == (bytes((Section.BEGIN,)),):
            self._put(self._encoder.finish())
            self._state = []

    def _settle_container(self, following: Record | None) -> None:
        """Tell of a container, unless the event that follows does so by itself."""
        record, self._container = self._container, None
        if record is None or (following is not None and following.type_code in _CONTAINER_EVENTS):
            return
        if self._state is not None:
            self._state.append(record)
        else:
            self._tell(record)

    def _tell(self, record: Record) -> None:
        for event in late_state.events(self._with_cgroups(record)):
            self._encoder.late(event)

    def _with_cgroups(self, record: Record) -> Record:
        """Return a THREAD record with the path of its cgroup, by which readers find the container."""
        at = _CGROUPS_AT
        path = self._cgroups.get(record.cgroup_id)
        if record.type_code != State.THREAD or not path or at >= len(record.params) or record.params[at]:
            return record
        return record._replace(params=(*record.params[:at], b"cpu=" + path + b"\0", *record.params[at + 1 :]))

    def _write_head(self) -> None:
        state, self._state = self._state or [], None
        self._put(head(self._machine, [self._with_cgroups(record) for record in state if record.type_code in _HEAD]))
        for record in state:
            if record.type_code in _TOLD_BY_EVENTS:
                self._tell(record)

    def _finish(self, stats: Stats) -> None:
        self._settle_container(None)
        if self._state is not None:
            self._write_head()
        self._put(self._encoder.finish())
        if self._gzip:
            self._sink.write(self._gzip.flush())

    def _put(self, blocks: bytes) -> None:
        data = self._gzip.compress(blocks) if self._gzip else blocks
        if data:
            self._sink.write(data)


_CGROUPS_AT: Final = [param.name for param in STATE_TYPES[0].params].index("cgroups")
_TOLD_BY_EVENTS: Final = frozenset({State.CONTAINER, State.ENTERED})
_HEAD: Final = frozenset({State.THREAD, State.FD, State.USER, State.GROUP, State.INTERFACE})
