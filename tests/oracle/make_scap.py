"""Small .scap files of any age, written by hand: every block version there ever was, from one description.

`Layout` says which versions of the blocks a file is made of, `Machine` what its state blocks tell, `EventWriter` packs
events. Only facts of the format are used, nothing of the reader under test.
"""

from __future__ import annotations

import gzip
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.synthetic import by_id, encode

START = 1_500_000_000_123_456_789
SECTION, MACHINE_INFO = 0x0A0D0D0A, 0x201
PROCESS_LISTS = {1: 0x202, 2: 0x207, 3: 0x209, 4: 0x210, 5: 0x211, 6: 0x212, 7: 0x213, 8: 0x214, 9: 0x215}
FD_LISTS = {1: 0x203, 2: 0x218}
INTERFACE_LISTS = {1: 0x205, 2: 0x219}
USER_LISTS = {1: 0x206, 2: 0x220}
# (version of the event header, has flags, has large lengths) -> block type
EVENTS = {
    (1, False, False): 0x204,
    (1, True, False): 0x208,
    (2, False, False): 0x216,
    (2, True, False): 0x217,
    (2, False, True): 0x221,
    (2, True, True): 0x222,
}
# the old header counts three bytes too many for these: notification, infra
WITH_SURPLUS = {280, 286}
STATE_ONLY = 1
FILE, IPV4, IPV4_SERVER, UNIX, FIFO = 1, 3, 5, 8, 7
FILE_V2 = 16


@dataclass(frozen=True)
class Layout:
    """Which version each kind of block has, and whether the file is compressed."""

    processes: int = 9
    fds: int = 2
    interfaces: int = 2
    users: int = 2
    events: int = 2
    compressed: bool = False

    def __str__(self) -> str:
        form = ".gz" if self.compressed else ""
        return f"pl{self.processes}-fdl{self.fds}-il{self.interfaces}-ul{self.users}-ev{self.events}{form}"


@dataclass(frozen=True)
class Process:
    """A thread as a process list tells it; `fds` are (number, type, payload) with the type's own payload."""

    tid: int
    pid: int
    comm: str
    ptid: int = 1
    args: tuple[str, ...] = ()
    env: tuple[str, ...] = ("HOME=/root", "LANG=C")
    uid: int = 0
    flags: int = 0
    cgroups: tuple[str, ...] = ("cpu=/", "memory=/user.slice")
    fds: tuple[tuple[int, int, bytes], ...] = ()


@dataclass(frozen=True)
class Machine:
    """What the state blocks of a file tell."""

    processes: tuple[Process, ...]
    interfaces: tuple[tuple[str, bytes, bytes, bytes], ...] = (
        ("lo", b"\x7f\0\0\1", b"\xff\0\0\0", b"\0\0\0\0"),
        ("eth0", b"\x0a\0\0\5", b"\xff\xff\xff\0", b"\x0a\0\0\xff"),
    )
    users: tuple[tuple[int, str], ...] = ((0, "root"), (1000, "ada"))


def block(kind: int, payload: bytes) -> bytes:
    """Return a block: type, length, payload padded to four bytes, length."""
    padded = payload + b"\0" * (-len(payload) % 4)
    length = struct.pack("<I", len(padded) + 12)
    return struct.pack("<I", kind) + length + padded + length


def _text(value: str | bytes) -> bytes:
    raw = value if isinstance(value, bytes) else value.encode()
    return struct.pack("<H", len(raw)) + raw


def _list(values: Iterable[str]) -> bytes:
    return _text(b"".join(value.encode() + b"\0" for value in values))


def _head() -> bytes:
    section = block(SECTION, struct.pack("<IHHq", 0x1A2B3C4D, 1, 2, -1))
    return section + block(MACHINE_INFO, struct.pack("<IQQ128s4Q", 4, 8 << 30, 32768, b"made", 0, 0, 0, 0))


def _process(version: int, process: Process) -> bytes:
    parts = [struct.pack("<qqq", process.tid, process.pid, process.ptid)]
    parts += [struct.pack("<q", process.pid)] * (version >= 6)  # session
    parts += [struct.pack("<q", process.pid)] * (version >= 8)  # process group
    parts += [_text(process.comm), _text(f"/bin/{process.comm}")]
    parts += [_text(f"/usr/bin/{process.comm}")] * (version >= 7)
    parts += [_list(process.args), _text("/root/"), struct.pack("<qIII", 1024, process.flags, process.uid, process.uid)]
    parts += [struct.pack("<IIIQQ", 5000, 900, 7, 3, 40)] * (version >= 2)
    parts += [_list(process.env)] * (version >= 3)
    parts += [struct.pack("<qq", process.tid, process.pid) + _list(process.cgroups)] * (version >= 4)
    parts += [_text("/")] * (version >= 5)
    parts += [struct.pack("<IB", 1000, 1)] * (version >= 9)  # login user, executable is writable
    entry = b"".join(parts)
    return struct.pack("<I", len(entry) + 4) + entry if version >= 9 else entry


def _fds(version: int, process: Process) -> bytes:
    payload = struct.pack("<q", process.tid)
    for number, kind, content in process.fds:
        entry = struct.pack("<qQB", number, 7000 + number, kind) + content
        payload += (struct.pack("<I", len(entry) + 4) if version == 2 else b"") + entry
    return block(FD_LISTS[version], payload)


def _interfaces(layout: Layout, machine: Machine) -> bytes:
    payload = b""
    for name, *addresses in machine.interfaces:
        entry = struct.pack("<HH", 1, len(name)) + b"".join(addresses) + struct.pack("<Q", 1000) + name.encode()
        payload += (struct.pack("<I", len(entry)) if layout.interfaces == 2 else b"") + entry
    return block(INTERFACE_LISTS[layout.interfaces], payload)


def _users(layout: Layout, machine: Machine) -> bytes:
    payload = b""
    for number, name in machine.users:
        user = struct.pack("<BII", 0, number, number) + _text(name) + _text(f"/home/{name}") + _text("/bin/sh")
        for entry in (user, struct.pack("<BI", 1, number) + _text(f"{name}s")):
            payload += (struct.pack("<I", len(entry) + 4) if layout.users == 2 else b"") + entry
    return block(USER_LISTS[layout.users], payload)


def file_fd(layout: Layout, name: str, flags: int = 1) -> tuple[int, bytes]:
    """Return type and payload of an open file as the layout writes it."""
    if layout.fds == 1:
        return FILE, _text(name)
    return FILE_V2, struct.pack("<I", flags) + _text(name) + struct.pack("<I", 2049)


def ipv4_fd(source: bytes, sport: int, destination: bytes, dport: int) -> tuple[int, bytes]:
    """Return type and payload of a TCP connection."""
    return IPV4, source + destination + struct.pack("<HHB", sport, dport, 2)


def server_fd(address: bytes, port: int) -> tuple[int, bytes]:
    """Return type and payload of a listening TCP socket."""
    return IPV4_SERVER, address + struct.pack("<HB", port, 2)


def unix_fd(path: str) -> tuple[int, bytes]:
    """Return type and payload of a unix socket."""
    return UNIX, struct.pack("<QQ", 0xFFFF88000000AB00, 0xFFFF88000000CD00) + _text(path)


@dataclass
class EventWriter:
    """Packs events into blocks; every event comes `step` ns after the one before."""

    version: int = 2
    step: int = 250_000
    ts: int = START
    blocks: list[bytes] = field(default_factory=list)

    def add(
        self, name: str, tid: int, *values: Any, cpu: int = 0, flags: int | None = None, large: bool = False
    ) -> None:
        """Add an event by its upper-case id; `values` are its first parameters, in order."""
        kind = by_id()[name]
        params = [encode(p.type, value) for p, value in zip(kind.params, values, strict=False)]
        assert len(values) <= len(kind.params), f"{name} has {len(kind.params)} parameters"
        self.raw(kind.code, tid, params, cpu=cpu, flags=flags, large=large)

    def raw(
        self,
        code: int,
        tid: int,
        params: Sequence[bytes],
        *,
        cpu: int = 0,
        flags: int | None = None,
        large: bool = False,
    ) -> None:
        """Add an event by its code, whether or not anybody knows it."""
        body = b"".join(struct.pack("<I" if large else "<H", len(p)) for p in params) + b"".join(params)
        body += b"\0\0\0" * (self.version == 1 and code in WITH_SURPLUS)
        head_size = 26 if self.version == 2 else 22
        head = struct.pack("<QqIH", self.ts, tid, head_size + len(body), code)
        if self.version == 2:
            head += struct.pack("<I", len(params))
        before = struct.pack("<H", cpu) + (b"" if flags is None else struct.pack("<I", flags))
        self.blocks.append(block(EVENTS[self.version, flags is not None, large], before + head + body))
        self.ts += self.step


def scap(layout: Layout, machine: Machine, events: EventWriter) -> bytes:
    """Return a whole file."""
    processes = b"".join(_process(layout.processes, process) for process in machine.processes)
    parts = [_head(), _interfaces(layout, machine), _users(layout, machine)]
    parts += [block(PROCESS_LISTS[layout.processes], processes)]
    parts += [_fds(layout.fds, process) for process in machine.processes]
    data = b"".join([*parts, *events.blocks])
    return gzip.compress(data, mtime=0) if layout.compressed else data
