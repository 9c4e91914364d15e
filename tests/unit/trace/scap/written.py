"""Taking a written .scap apart, with nothing of the reader under test."""

from __future__ import annotations

import struct
from dataclasses import dataclass

EVENT_BLOCKS = {0x216: (2, 2), 0x217: (6, 2), 0x221: (2, 4), 0x222: (6, 4)}


@dataclass(frozen=True)
class Event:
    """One event block."""

    ts: int
    tid: int
    code: int
    params: tuple[bytes, ...]
    flags: int


def blocks(data: bytes) -> list[tuple[int, bytes]]:
    """Return type and payload of every block; both lengths of each must be the same."""
    found, at = [], 0
    while at < len(data):
        kind, size = struct.unpack_from("<II", data, at)
        assert size % 4 == 0 and struct.unpack_from("<I", data, at + size - 4) == (size,)
        found.append((kind, data[at + 8 : at + size - 4]))
        at += size
    return found


def event(kind: int, payload: bytes) -> Event:
    """Return the event in a block."""
    start, width = EVENT_BLOCKS[kind]
    ts, tid, size, code, count = struct.unpack_from("<QqIHI", payload, start)
    lengths = struct.unpack_from(f"<{count}{'I' if width == 4 else 'H'}", payload, start + 26)
    at, params = start + 26 + width * count, []
    for length in lengths:
        params.append(payload[at : at + length])
        at += length
    assert at == start + size
    flags = struct.unpack_from("<I", payload, 2)[0] if start == 6 else 0
    return Event(ts, tid, code, tuple(params), flags)


def events(data: bytes) -> list[Event]:
    """Return the events of a file or of bare event blocks."""
    return [event(kind, payload) for kind, payload in blocks(data) if kind in EVENT_BLOCKS]
