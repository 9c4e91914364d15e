"""Records by columns: the headers' bytes sorted by their place, so that what hardly changes lies side by side.

A block of N records holds the headers cut into `COLUMNS`: first those bytes of all records, in the order of the
records, then the next ones; and behind the columns what each record has behind its header. Before that, four fields of
each header (`DELTAS`) are replaced by the difference to the record before, modulo their size. The size stays. The
engine has the same at another speed (`engine.block_codec`); this is the plain statement of it, and what reads a trace
where there is no engine.
"""

from __future__ import annotations

import struct
from typing import Final

from sysdig_py.schema.record import HEADER_SIZE
from sysdig_py.trace.format import FormatError

# cgroup_id, pid, ts, tid: offset and struct format
DELTAS: Final = ((8, "<Q"), (16, "<I"), (32, "<Q"), (40, "<Q"))
# offset and width; the low bytes of the time inside the call and of the time stamp are the ones that change
COLUMNS: Final = (
    (0, 4), (4, 4), (8, 8), (16, 8), (24, 1), (25, 1), (26, 2), (28, 4), (32, 1), (33, 1), (34, 2), (36, 4), (40, 8),
    (48, 8), (56, 2),
)  # fmt: skip
_LENGTH: Final = struct.Struct("<I")


def pack(records: bytes, count: int) -> bytes | None:
    """Return `count` records by columns; None when that is not what the bytes are."""
    heads, bodies, at = bytearray(), bytearray(), 0
    while at + HEADER_SIZE <= len(records):
        (length,) = _LENGTH.unpack_from(records, at)
        if length < HEADER_SIZE or at + length > len(records):
            return None
        heads += records[at : at + HEADER_SIZE]
        bodies += records[at + HEADER_SIZE : at + length]
        at += length
    if at != len(records) or len(heads) != count * HEADER_SIZE:
        return None
    _difference(heads, -1)
    sorted_ = bytearray(len(heads))
    for offset, width in COLUMNS:
        for byte in range(width):
            sorted_[offset * count + byte : (offset + width) * count : width] = heads[offset + byte :: HEADER_SIZE]
    return bytes(sorted_ + bodies)


def unpack(data: bytes, count: int, target: memoryview) -> None:
    """Write the `count` records of a block by columns to `target`, which has the size of `data`.

    Raises:
        FormatError: the bytes are not that.
    """
    if count * HEADER_SIZE > len(data):
        raise FormatError(f"{count} records in {len(data)} bytes")
    heads = bytearray(count * HEADER_SIZE)
    for offset, width in COLUMNS:
        for byte in range(width):
            heads[offset + byte :: HEADER_SIZE] = data[offset * count + byte : (offset + width) * count : width]
    _difference(heads, 1)
    at, body = 0, count * HEADER_SIZE
    for start in range(0, len(heads), HEADER_SIZE):
        (length,) = _LENGTH.unpack_from(heads, start)
        rest = length - HEADER_SIZE
        if rest < 0 or body + rest > len(data):
            raise FormatError(f"a record of {length} bytes")
        target[at : at + HEADER_SIZE] = heads[start : start + HEADER_SIZE]
        target[at + HEADER_SIZE : at + length] = data[body : body + rest]
        at, body = at + length, body + rest
    if body != len(data):
        raise FormatError("records that do not fill their block")


def _difference(heads: bytearray, sign: int) -> None:
    """Replace the fields by differences (-1), or back (1)."""
    for offset, form in DELTAS:
        field = struct.Struct(form)
        top, before = (1 << 8 * field.size) - 1, 0
        for at in range(offset, len(heads), HEADER_SIZE):
            (value,) = field.unpack_from(heads, at)
            changed = (value + sign * before) & top
            field.pack_into(heads, at, changed)
            before = value if sign < 0 else changed
