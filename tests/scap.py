"""Traces in the .scap format made by hand, block by block."""

from __future__ import annotations

import json
import struct
from typing import Any

from tests.synthetic import START

MACHINE = struct.pack("<IQQ128s4Q", 2, 1 << 30, 4096, b"box", 0, 0, 0, 0)


def block(kind: int, payload: bytes) -> bytes:
    """Frame and pad a payload."""
    padded = payload.ljust(-(-len(payload) // 4) * 4, b"\0")
    size = struct.pack("<I", len(padded) + 12)
    return struct.pack("<I", kind) + size + padded + size


def text(value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack("<H", len(raw)) + raw


def section(options: bytes = b"", major: int = 1) -> bytes:
    return block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, major, 2, -1) + options)


def machine() -> bytes:
    return block(0x201, MACHINE)


def process(tid: int, pid: int | None = None, **facts: Any) -> bytes:
    """One entry of a version 9 process list."""
    f = {"ptid": 1, "sid": 7, "vpgid": 8, "comm": "comm", "exe": "/bin/exe", "exepath": "/bin/exe", "args": b"",
         "cwd": "/home/", "fdlimit": 1024, "flags": 0, "uid": 1000, "gid": 100, "env": b"", "vtid": tid, "vpid": tid,
         "cgroups": b"", "root": "/", "tail": b""} | facts  # fmt: skip
    body = struct.pack("<qqqqq", tid, tid if pid is None else pid, f["ptid"], f["sid"], f["vpgid"])
    body += b"".join(text(f[name]) for name in ("comm", "exe", "exepath", "args", "cwd"))
    body += struct.pack("<qIII", f["fdlimit"], f["flags"], f["uid"], f["gid"]) + struct.pack("<IIIQQ", 10, 20, 30, 4, 5)
    body += text(f["env"]) + struct.pack("<qq", f["vtid"], f["vpid"]) + text(f["cgroups"]) + text(f["root"])
    body += f["tail"]
    return struct.pack("<I", len(body) + 4) + body


def processes(*entries: bytes) -> bytes:
    return block(0x215, b"".join(entries))


def fd(number: int, kind: int, body: bytes, ino: int = 0) -> bytes:
    """One entry of a version 2 fd list."""
    return struct.pack("<IqQB", 4 + 17 + len(body), number, ino, kind) + body


def fds(tid: int, *entries: bytes) -> bytes:
    return block(0x218, struct.pack("<q", tid) + b"".join(entries))


def interface(name: str, address: bytes, mask: bytes) -> bytes:
    """One entry of a version 2 interface list."""
    body = struct.pack("<HH", 1, len(name)) + address + mask + bytes(4) + struct.pack("<Q", 0) + name.encode()
    return struct.pack("<I", len(body)) + body


def user(uid: int, name: str) -> bytes:
    """One user of a version 2 user list."""
    body = struct.pack("<BII", 0, uid, uid) + text(name) + text("/home") + text("/bin/sh")
    return struct.pack("<I", len(body) + 4) + body


class Trace:
    """A trace under construction: every event is `step` ns after the one before."""

    def __init__(self, *state: bytes, step: int = 1000) -> None:
        self._parts = bytearray(section() + machine() + b"".join(state))
        self.ts = START
        self.step = step

    @property
    def data(self) -> bytes:
        return bytes(self._parts)

    def add(self, data: bytes) -> Trace:
        self._parts += data
        return self

    def event(self, code: int, *params: bytes, tid: int = 10, cpu: int = 0, flags: int | None = None,
              large: bool = False) -> Trace:  # fmt: skip
        """Add an event in the current layout."""
        self.ts += self.step
        data = struct.pack(f"<{len(params)}{'I' if large else 'H'}", *map(len, params)) + b"".join(params)
        head = struct.pack("<H", cpu) + (b"" if flags is None else struct.pack("<I", flags))
        head += struct.pack("<QqIHI", self.ts, tid, 26 + len(data), code, len(params))
        kind = (0x222 if large else 0x217) if flags is not None else (0x221 if large else 0x216)
        return self.add(block(kind, head + data))

    def old_event(self, code: int, *params: bytes, tid: int = 10) -> Trace:
        """Add an event in the first layout, which does not count its parameters."""
        self.ts += self.step
        data = struct.pack(f"<{len(params)}H", *map(len, params)) + b"".join(params)
        return self.add(block(0x204, struct.pack("<HQqIH", 0, self.ts, tid, 22 + len(data), code) + data))

    def container(self, **facts: Any) -> Trace:
        raw = json.dumps({"container": facts}).encode() + b"\0"
        return self.event(324, raw, tid=-1, large=True)


def i64(value: int) -> bytes:
    return struct.pack("<q", value)


def u32(value: int) -> bytes:
    return struct.pack("<I", value)


def u8(value: int) -> bytes:
    return bytes([value])


def string(value: str) -> bytes:
    return value.encode() + b"\0"
