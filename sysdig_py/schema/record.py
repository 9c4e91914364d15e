"""The record: the one layout of an event in the ring, in memory and in a native trace.

A record is a fixed prefix followed by an unchanged ppm event, zero-padded to 8 bytes:

    offset  size  prefix
         0   u32  len         bytes of the whole record, prefix and padding included
         4   u32  flags       `Flag` bits
         8   u64  cgroup_id   kernfs id of the task's cgroup in the tracked hierarchy; 0 unknown
        16   u32  pid         process (thread group) id in the root namespace
        20   u16  cpu
        22   u16  skipped     events left out of a filtered trace just before this one
        24   u64  latency_ns  time inside the call; 0 unknown or not a call's exit
                  ppm header (packed, as in a .scap event block)
        32   u64  ts          ns since the epoch
        40   s64  tid
        48   u32  len         ppm header + lengths + parameters, without padding
        52   u16  type        code of `schema.events` or of `schema.state`
        54   u32  nparams
        58        lengths     nparams x u16 (u32 each with Flag.LARGE), then the parameter bytes

All integers are little-endian. `RECORD_VERSION` changes with any change to this layout.
"""

from __future__ import annotations

import enum
import struct
from typing import Final, NamedTuple

RECORD_VERSION: Final = 1

PREFIX: Final = struct.Struct("<IIQIHHQ")
PPM_HEADER: Final = struct.Struct("<QqIHI")
HEADER_SIZE: Final = PREFIX.size + PPM_HEADER.size
ALIGNMENT: Final = 8
MAX_SHORT_PARAM: Final = 0xFFFF


class Flag(enum.IntFlag):
    """Bits of the prefix's `flags`."""

    STATE_ONLY = 1  # feeds state, is never delivered (same bit as in .scap EVF blocks)
    LARGE = 4  # parameter lengths are u32 (same bit as in .scap EVF blocks)
    COMPAT32 = 0x10  # a 32-bit system call on a 64-bit kernel
    IO_URING = 0x20  # asked for through an io_uring: not a system call, but what one would have done
    SAMPLED = 0x40  # others like it were left out; the last OVERHEAD record tells how many


def pack_record(
    type_code: int,
    params: list[bytes],
    *,
    ts: int = 0,
    tid: int = 0,
    pid: int = 0,
    cgroup_id: int = 0,
    cpu: int = 0,
    latency_ns: int = 0,
    flags: int = 0,
) -> bytes:
    """Build one record.

    Args:
        type_code: event or state type.
        params: encoded parameters in table order; b"" means absent.
        ts: ns since the epoch.
        tid: thread id; `pid` its process id.
        pid: process id, 0 when unknown.
        cgroup_id: kernfs id of the cgroup, 0 when unknown.
        cpu: CPU number.
        latency_ns: time inside the call, 0 when unknown.
        flags: `Flag` bits; LARGE is added when a parameter needs it.

    Returns:
        The record, padded to 8 bytes.
    """
    large = any(len(p) > MAX_SHORT_PARAM for p in params)
    lengths = struct.pack(f"<{len(params)}{'I' if large else 'H'}", *map(len, params))
    event_len = PPM_HEADER.size + len(lengths) + sum(map(len, params))
    total = -(-(PREFIX.size + event_len) // ALIGNMENT) * ALIGNMENT
    if large:
        flags |= Flag.LARGE
    head = PREFIX.pack(total, flags, cgroup_id, pid, cpu, 0, latency_ns)
    ppm = PPM_HEADER.pack(ts, tid, event_len, type_code, len(params))
    return b"".join((head, ppm, lengths, *params)).ljust(total, b"\0")


class Record(NamedTuple):
    """A record taken apart: the header fields of `pack_record`, its size in bytes, and its parameters."""

    type_code: int
    params: tuple[bytes, ...]
    ts: int
    tid: int
    pid: int
    cgroup_id: int
    cpu: int
    flags: int
    size: int


def unpack_record(data: bytes | memoryview, offset: int = 0) -> Record:
    """Take the record at `offset` apart; for the few that Python looks at.

    Raises:
        ValueError: its lengths lead out of it or out of `data`.
    """
    try:
        size, flags, cgroup_id, pid, cpu, _skipped, _latency = PREFIX.unpack_from(data, offset)
        ts, tid, event_len, type_code, count = PPM_HEADER.unpack_from(data, offset + PREFIX.size)
        lengths = struct.unpack_from(f"<{count}{'I' if flags & Flag.LARGE else 'H'}", data, offset + HEADER_SIZE)
    except struct.error as error:
        raise ValueError(f"a record cut at byte {offset}") from error
    at = offset + HEADER_SIZE + count * (4 if flags & Flag.LARGE else 2)
    end = offset + min(size, PREFIX.size + event_len)
    if at + sum(lengths) > end or end > len(data):
        raise ValueError(f"a malformed record at byte {offset}")
    params = []
    for length in lengths:
        params.append(bytes(data[at : at + length]))
        at += length
    return Record(type_code, tuple(params), ts, tid, pid, cgroup_id, cpu, flags, size)
