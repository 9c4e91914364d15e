"""State records by the names of their parameters, for the few that Python looks at."""

from __future__ import annotations

from typing import Final

from sysdig_py.schema.record import Record
from sysdig_py.schema.state import STATE_TYPES

_POSITION: Final = {kind.code: {param.name: i for i, param in enumerate(kind.params)} for kind in STATE_TYPES}


class Facts:
    """The parameters of a state record by name."""

    def __init__(self, record: Record) -> None:
        """Look at `record`."""
        self.record: Final = record
        self._position: Final = _POSITION[record.type_code]

    def raw(self, name: str) -> bytes:
        """Return a parameter's bytes, b"" when it is absent."""
        at = self._position[name]
        return self.record.params[at] if at < len(self.record.params) else b""

    def text(self, name: str) -> bytes:
        """Return a text without its NUL."""
        return self.raw(name).split(b"\0")[0]

    def number(self, name: str, absent: int = 0, *, signed: bool = False) -> int:
        """Return an integer."""
        raw = self.raw(name)
        return int.from_bytes(raw, "little", signed=signed) if raw else absent
