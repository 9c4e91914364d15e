"""Taking state records apart, for tests that look at what a record says."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Any

from sysdig_py.schema.record import ALIGNMENT, HEADER_SIZE, PPM_HEADER, PREFIX, Flag
from sysdig_py.schema.state import STATE_TYPES, State

_TYPES = {kind.code: kind for kind in STATE_TYPES}
_SIGNED = ("int64", "int16", "fd", "pid")
_TEXT = ("charbuf",)
_RAW = ("bytebuf", "socktuple")


@dataclass
class Told:
    """A parsed state record: header fields as attributes, parameters as items."""

    type: State
    tid: int
    pid: int
    cgroup_id: int
    params: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.params[name]

    def json(self) -> Any:
        return json.loads(self["json"])


def parse(record: bytes) -> Told:
    """Take a record apart and check what every state record must have."""
    length, flags, cgroup_id, pid, *_ = PREFIX.unpack_from(record)
    assert length == len(record) and length % ALIGNMENT == 0
    assert flags & Flag.STATE_ONLY
    _, tid, event_len, code, count = PPM_HEADER.unpack_from(record, PREFIX.size)
    kind = _TYPES[code]
    assert count == len(kind.params)
    layout = struct.Struct(f"<{count}{'I' if flags & Flag.LARGE else 'H'}")
    lengths = layout.unpack_from(record, HEADER_SIZE)
    offset = HEADER_SIZE + layout.size
    params = {}
    for param, size in zip(kind.params, lengths, strict=True):
        params[param.name] = _value(param.type, record[offset : offset + size])
        offset += size
    assert offset == PREFIX.size + event_len
    return Told(State(code), tid, pid, cgroup_id, params)


def _value(kind: str, data: bytes) -> Any:
    if kind in _TEXT:
        assert data.endswith(b"\0")
        return data[:-1].decode(errors="surrogateescape")
    if kind in _RAW:
        return data
    if not data:
        return None  # not told
    assert len(data) in (1, 2, 4, 8)
    return int.from_bytes(data, "little", signed=kind in _SIGNED)
