"""Records -> event blocks of a .scap, in a Lua runtime of its own so that a thread can do it beside the capture."""

from __future__ import annotations

import ctypes
from typing import Any, Final

from sysdig_py.engine.vm import Runtime
from sysdig_py.trace.scap.pairs import LAST_SYSCALL_ID, Half, pairs

# How much later than a record the newest one must be before it is written: calls that last longer get their enter
# event later than it happened.
WINDOW_NS: Final = 5 * 10**9
WAITING_BYTES: Final = 64 << 20


class EventEncoder(Runtime):
    """Makes the event blocks of one file."""

    def __init__(self, dialect: str, window_ns: int = WINDOW_NS, waiting_bytes: int = WAITING_BYTES) -> None:
        """Make ready for records of a stream of this dialect (`Engine`).

        Args:
            dialect: "" exit events that carry everything become pairs; others are written as they are.
            window_ns: how long records wait for enter events that come before them.
            waiting_bytes: most bytes of records that wait.
        """
        super().__init__()
        self._encode: Any = self.require("scap.encode")
        table = None if dialect else self._table()
        self._encode[b"open"](table, window_ns, waiting_bytes, LAST_SYSCALL_ID)

    def encode(self, records: bytes, offset: int) -> int:
        """Encode sound records from `offset` on, up to the next state record or the end; return where that is."""
        address = (ctypes.cast(ctypes.c_char_p(records), ctypes.c_void_p).value or 0) + offset
        _status, used = self._encode[b"encode"](address, len(records) - offset)
        return offset + int(used)

    def late(self, record: bytes) -> None:
        """Write the event of this record, as it is, right before the next event."""
        self._encode[b"late"](record)

    def take(self) -> bytes:
        """Return the blocks made since the last call."""
        address, used = self._encode[b"take"]()
        return ctypes.string_at(int(address), int(used)) if used else b""

    def finish(self) -> bytes:
        """Return the blocks of everything that waits."""
        self._encode[b"flush"]()
        return self.take()

    def _table(self) -> Any:
        rows = {
            code: self.table([self._half(pair.exit), self._half(pair.enter) if pair.enter else False, pair.birth])
            for code, pair in pairs().items()
        }
        return self.table(rows)

    def _half(self, half: Half) -> Any:
        values = [self.table([*(*value.sources, -1, -1)[:2], value.size, value.default]) for value in half.values]
        return self.table([half.code, self.table(values)])
