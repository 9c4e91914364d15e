"""Records made by hand: a small vocabulary for tests that need a stream.

`Stream` keeps the clock and packs events of one table-driven call: `stream.event("SYSCALL_READ_X",
tid=7, res=5, data=b"hello", fd=3, size=5)`. Values are encoded by the schema's parameter types;
parameters that are not named are absent. State records work the same way through `state`.
"""

from __future__ import annotations

import ipaddress
import struct
from functools import cache
from typing import Any

from sysdig_py.schema.events import EventType, events
from sysdig_py.schema.record import pack_record
from sysdig_py.schema.state import STATE_TYPES, State

START = 1_700_000_000_000_000_000

FORMATS = {
    "int8": "<b", "int16": "<h", "int32": "<i", "int64": "<q", "uint8": "<B", "uint16": "<H", "uint32": "<I",
    "uint64": "<Q", "errno": "<q", "fd": "<q", "pid": "<q", "uid": "<I", "gid": "<I", "syscallid": "<H",
    "sigtype": "<B", "reltime": "<Q", "abstime": "<Q", "port": "<H", "bool": "<I", "flags8": "<B", "flags16": "<H",
    "flags32": "<I", "enumflags8": "<B", "enumflags16": "<H", "enumflags32": "<I", "mode": "<I", "sigset": "<I",
}  # fmt: skip


@cache
def by_id() -> dict[str, EventType]:
    table = {e.id: e for e in events() if not e.name.startswith("NA")}
    # enter events carry the same id family; exits are what streams are made of
    return table | {e.id: e for e in STATE_TYPES}


def encode(kind: str, value: Any) -> bytes:
    """Encode one parameter; None is absent, bytes are taken as they are."""
    if value is None:
        return b""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode() + b"\0"
    return struct.pack(FORMATS[kind], value)


def record(event_id: str, values: dict[str, Any] | None = None, **header: int) -> bytes:
    """Pack one record of the type with this upper-case id."""
    kind = by_id()[event_id]
    given = dict(values or {})
    params = [encode(p.type, given.pop(p.name, None)) for p in kind.params]
    if given:
        raise KeyError(f"{event_id} has no parameter {sorted(given)}")
    return pack_record(kind.code, params, **header)


def tuple4(source: str, sport: int, destination: str, dport: int) -> bytes:
    """Encode an IPv4 or IPv6 SOCKTUPLE."""
    src, dst = ipaddress.ip_address(source), ipaddress.ip_address(destination)
    family = 2 if src.version == 4 else 10
    return struct.pack("<B", family) + src.packed + struct.pack("<H", sport) + dst.packed + struct.pack("<H", dport)


def tuple_unix(source: int, peer: int, path: str) -> bytes:
    return struct.pack("<BQQ", 1, source, peer) + path.encode() + b"\0"


def sockaddr(address: str, port: int) -> bytes:
    ip = ipaddress.ip_address(address)
    return struct.pack("<B", 2 if ip.version == 4 else 10) + ip.packed + struct.pack("<H", port)


def sockaddr_unix(path: str) -> bytes:
    return b"\x01" + path.encode() + b"\0"


class Stream:
    """A stream under construction: every event is `step` ns after the one before."""

    def __init__(self, ts: int = START, step: int = 1000) -> None:
        self.ts = ts
        self.step = step
        self.data = b""

    def event(self, event_id: str, tid: int = 1, *, pid: int | None = None, cgroup: int = 0, cpu: int = 0,
              latency: int = 0, record_flags: int = 0, **values: Any) -> Stream:  # fmt: skip
        self.ts += self.step
        header = {"ts": self.ts, "tid": tid, "pid": tid if pid is None else pid, "cgroup_id": cgroup, "cpu": cpu}
        self.data += record(event_id, values, **header, latency_ns=latency, flags=record_flags)
        return self

    def call(self, event_id: str, values: dict[str, Any], tid: int = 1, **header: Any) -> Stream:
        """Like `event`, for parameters whose names are taken (tid, pid, flags)."""
        self.ts += self.step
        header = {"pid": tid, "latency_ns": 0} | header
        self.data += record(event_id, values, ts=self.ts, tid=tid, **header)
        return self

    def state(self, kind: State, tid: int = 0, pid: int = 0, cgroup: int = 0, **values: Any) -> Stream:
        self.data += record(f"STATE_{kind.name}", values, tid=tid, pid=pid, cgroup_id=cgroup, flags=1)
        return self

    def thread(self, tid: int, pid: int | None = None, cgroup: int = 0, **values: Any) -> Stream:
        pid = tid if pid is None else pid
        facts = {"tid": tid, "pid": pid, "comm": "comm", "exe": "exe", "cwd": "/home", "ptid": 1} | values
        self.data += record("STATE_THREAD", facts, tid=tid, pid=pid, cgroup_id=cgroup, flags=1)
        return self

    def take(self) -> bytes:
        data, self.data = self.data, b""
        return data


def reads_and_writes(count: int, threads: int = 50, fds: int = 20, seed: int = 1) -> bytes:
    """A span of small reads and writes by many threads on many fds."""
    import random

    rng, ts, parts = random.Random(seed), START, []
    for _ in range(count):
        ts += rng.randrange(100, 3000)
        tid, fd, size = 1000 + rng.randrange(threads), rng.randrange(fds), rng.randrange(1, 5)
        event = rng.choice(("SYSCALL_READ_X", "SYSCALL_WRITE_X"))
        values = {"res": size, "data": b"hello"[:size], "fd": fd, "size": size}
        parts.append(record(event, values, ts=ts, tid=tid, pid=tid, cgroup_id=tid % 7 + 1, latency_ns=500))
    return b"".join(parts)
