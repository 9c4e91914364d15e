"""What a stream of records has told so far, kept beside the capture by an engine that nobody asks for events."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from typing import Any, Final

from sysdig_py.engine.vm import Engine, EngineFault
from sysdig_py.trace.checkpoints import State

# A trace that stays shorter needs no checkpoint, and its writer no engine.
IDLE_BYTES: Final = 8 << 20


class StateKeeper:
    """Follows records of exit events; for one thread."""

    def __init__(self, machine: Mapping[str, Any], idle_bytes: int = IDLE_BYTES) -> None:
        """Follow a stream from `machine`; the engine is made once `idle_bytes` have come."""
        self._machine: Final = dict(machine)
        self._idle_bytes: Final = idle_bytes
        self._waiting: list[bytes] = []
        self._engine: Engine | None = None

    def feed(self, records: bytes) -> None:
        """Take in whole records."""
        if self._engine is not None:
            _feed(self._engine, records)
            return
        self._waiting.append(records)
        if sum(map(len, self._waiting)) >= self._idle_bytes:
            self._begin()

    def state(self, part_bytes: int) -> State:
        """Return all that is known, in parts of about that size."""
        engine = self._engine or self._begin()
        parts, counts, start_ts = engine.require("state.checkpoint")[b"make"](part_bytes)
        made = [(bytes(parts[i]), int(counts[i])) for i in range(1, len(parts) + 1)]
        return State(int(start_ts), made)

    def _begin(self) -> Engine:
        self._engine = engine = Engine(self._machine)
        for records in self._waiting:
            _feed(engine, records)
        self._waiting = []
        return engine


def _feed(engine: Engine, records: bytes) -> None:
    address = ctypes.cast(ctypes.c_char_p(records), ctypes.c_void_p).value or 0
    at = 0
    while at < len(records):
        try:
            used = engine.feed(address + at, len(records) - at).consumed
        except EngineFault as fault:
            # the record that it failed on is passed, as in a replay
            used = fault.consumed
        if not used:
            return
        at += used
