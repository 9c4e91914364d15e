"""A ring reader for tests: walks the mapped ring in plain Python and unpacks records."""

import ctypes
import struct
from dataclasses import dataclass

from sysdig_py.schema.events import events
from sysdig_py.schema.record import PPM_HEADER, PREFIX
from sysdig_py.schema.state import STATE_TYPES

BUSY, DISCARD = 1 << 31, 1 << 30
TYPES = {event.code: event for event in (*events(), *STATE_TYPES)}
SIGNED = {"errno", "fd", "pid", "int64", "int32", "int16", "int8"}
TEXT = {"charbuf", "fspath", "fsrelpath"}
RAW = {"bytebuf", "sockaddr", "socktuple", "fdlist", "dyn"}


@dataclass
class Record:
    type: int
    name: str
    id: str
    ts: int
    tid: int
    pid: int
    cpu: int
    flags: int
    cgroup: int
    latency: int
    params: dict
    skipped: int = 0

    def __getitem__(self, key):
        return self.params[key]


def value(kind, raw):
    if not raw and kind not in RAW:
        return None
    if kind in TEXT:
        assert raw.endswith(b"\0"), (kind, raw)
        return raw[:-1].decode(errors="surrogateescape")
    if kind in RAW:
        return raw
    return int.from_bytes(raw, "little", signed=kind in SIGNED)


def unpack(raw):
    total, flags, cgroup, pid, cpu, skipped, latency = PREFIX.unpack_from(raw)
    ts, tid, length, code, nparams = PPM_HEADER.unpack_from(raw, PREFIX.size)
    assert total == len(raw), (total, len(raw))
    assert total == -(-(PREFIX.size + length) // 8) * 8
    event = TYPES[code]
    at = PREFIX.size + PPM_HEADER.size
    lengths = struct.unpack_from(f"<{nparams}H", raw, at)
    at += 2 * nparams
    params = {}
    for param, size in zip(event.params, lengths, strict=False):
        params[param.name] = value(param.type, raw[at : at + size])
        at += size
    assert at == PREFIX.size + length, (event.id, lengths, at, length)
    assert nparams == len(event.params), (event.id, nparams)
    return Record(code, event.name, event.id, ts, tid, pid, cpu, flags, cgroup, latency, params, skipped)


def read_all(ring):
    """Return every complete record of the ring and give its space back."""
    found = []
    consumer = ctypes.c_uint64.from_address(ring.consumer)
    producer = ctypes.c_uint64.from_address(ring.producer)
    while consumer.value < producer.value:
        at = ring.data + (consumer.value & (ring.size - 1))
        head = ctypes.c_uint32.from_address(at).value
        if head & BUSY:
            break
        size = head & ~DISCARD
        if not head & DISCARD:
            found.append(unpack(ctypes.string_at(at + 8, size)))
        consumer.value += -(-(size + 8) // 8) * 8
    return found


def skip_all(ring):
    """Give back what is there without looking at it."""
    consumer = ctypes.c_uint64.from_address(ring.consumer)
    consumer.value = ctypes.c_uint64.from_address(ring.producer).value
