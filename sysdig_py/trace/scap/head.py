"""State records -> the blocks at the head of a .scap: section, machine, interfaces, users, processes, fds.

The inverse of `state_blocks`, in the newest version of each block that sysdig 0.29.3 reads.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from typing import Any, Final

from sysdig_py.schema.record import Record
from sysdig_py.schema.state import L4, FdType, Role, State
from sysdig_py.trace.scap import layout
from sysdig_py.trace.scap.facts import Facts
from sysdig_py.trace.scap.survey import MAGIC

SECTION_PAYLOAD: Final = struct.pack("<IHHq", MAGIC, 1, 2, -1)
MACHINE, PROCESSES, FDS, INTERFACES, USERS = 0x201, 0x215, 0x218, 0x219, 0x220
_NAME_SIZE: Final = 128
_TEXT_LIMIT: Final = 0xFFFF
_NO_ID: Final = 0xFFFFFFFF
# kinds of fds that the reader's table has no number for
_LAST_FD_TYPE: Final = FdType.FILE_V2


def block(kind: int, payload: bytes) -> bytes:
    """Return a block: type, length, payload padded to four bytes, length."""
    padded = payload + b"\0" * (-len(payload) % 4)
    length = struct.pack("<I", len(padded) + layout.SMALLEST)
    return struct.pack("<I", kind) + length + padded + length


def head(machine: Mapping[str, Any], state: Iterable[Record]) -> bytes:
    """Return everything that comes before the first event.

    Args:
        machine: facts about the traced machine.
        state: THREAD, FD, USER, GROUP and INTERFACE records, the newest about a thing last; others are passed over.
    """
    known = _Newest(state)
    parts = [block(layout.SECTION, SECTION_PAYLOAD), block(MACHINE, _machine(machine))]
    parts += [block(INTERFACES, b"".join(map(_interface, known.of(State.INTERFACE))))]
    users = [*map(_user, known.of(State.USER)), *map(_group, known.of(State.GROUP))]
    parts += [block(USERS, b"".join(users))]
    parts += [block(PROCESSES, b"".join(map(_process, known.of(State.THREAD))))]
    fds, ports = known.of(State.FD), _listening_ports(known.of(State.FD))
    owners: dict[int, list[bytes]] = {}
    for fd in fds:
        owners.setdefault(fd.record.tid, []).append(_fd(fd, ports))
    parts += [block(FDS, struct.pack("<q", tid) + b"".join(entries)) for tid, entries in owners.items()]
    return b"".join(parts)


class _Newest:
    """The last record about each thing, in the order the things were first told."""

    # the parameters that name a thing; an fd is its owner's, which is in the header
    _KEYS: Final = {
        State.THREAD: ("tid",),
        State.FD: ("fd",),
        State.USER: ("uid",),
        State.GROUP: ("gid",),
        State.INTERFACE: ("netns", "name", "addr"),
    }

    def __init__(self, state: Iterable[Record]) -> None:
        self._facts: dict[State, dict[Any, Facts]] = {kind: {} for kind in self._KEYS}
        for record in state:
            kind = State(record.type_code)
            if kind in self._KEYS:
                fact = Facts(record)
                key = (record.tid, *map(fact.raw, self._KEYS[kind]))
                self._facts[kind][key] = fact

    def of(self, kind: State) -> list[Facts]:
        return list(self._facts[kind].values())


def _str16(text: bytes) -> bytes:
    text = text[:_TEXT_LIMIT]
    return struct.pack("<H", len(text)) + text


def _machine(machine: Mapping[str, Any]) -> bytes:
    name = str(machine.get("hostname", "")).encode(errors="surrogateescape")[: _NAME_SIZE - 1]
    numbers = [int(machine.get(key) or 0) for key in ("num_cpus", "memory_size_bytes", "max_pid", "boot_ts")]
    cpus, memory, max_pid, boot_ts = numbers
    return struct.pack("<IQQ128s4Q", cpus, memory, max_pid, name, boot_ts, 0, 0, 0)


def _interface(fact: Facts) -> bytes:
    name = fact.text("name")[:_TEXT_LIMIT]
    width = len(fact.raw("addr"))
    if width not in (4, 16):
        return b""
    addresses = [fact.raw(key).ljust(width, b"\0")[:width] for key in ("addr", "netmask", "broadcast")]
    kind = 1 if width == 4 else 2
    entry = struct.pack("<HH", kind, len(name)) + b"".join(addresses) + struct.pack("<Q", fact.number("speed")) + name
    return struct.pack("<I", len(entry)) + entry


def _user(fact: Facts) -> bytes:
    ids = struct.pack("<BII", 0, fact.number("uid"), fact.number("gid"))
    return _sized(ids + b"".join(_str16(fact.text(key)) for key in ("name", "home", "shell")))


def _group(fact: Facts) -> bytes:
    return _sized(struct.pack("<BI", 1, fact.number("gid")) + _str16(fact.text("name")))


def _sized(entry: bytes) -> bytes:
    return struct.pack("<I", len(entry) + 4) + entry


def _process(fact: Facts) -> bytes:
    ids = [fact.number(key, -1, signed=True) for key in ("tid", "pid", "ptid", "sid", "vpgid")]
    parts = [struct.pack("<5q", *ids)]
    parts += [_str16(fact.text(key)) for key in ("comm", "exe", "exepath")]
    parts += [_str16(fact.raw("args")), _str16(fact.text("cwd"))]
    parts += [struct.pack("<q", fact.number("fdlimit", -1, signed=True))]
    parts += [struct.pack("<III", fact.number("flags"), fact.number("uid", _NO_ID), fact.number("gid", _NO_ID))]
    parts += [struct.pack("<III", *(fact.number(key) for key in ("vm_size", "vm_rss", "vm_swap")))]
    parts += [struct.pack("<QQ", fact.number("pgft_maj"), fact.number("pgft_min")), _str16(fact.raw("env"))]
    parts += [struct.pack("<qq", *(fact.number(key, -1, signed=True) for key in ("vtid", "vpid")))]
    parts += [_str16(fact.raw("cgroups")), _str16(fact.text("root"))]
    parts += [struct.pack("<IB", fact.number("loginuid", _NO_ID), fact.number("exe_flags") & 1)]
    return _sized(b"".join(parts))


def _listening_ports(fds: Iterable[Facts]) -> frozenset[bytes]:
    """Return the ports of the listeners, by which readers tell the server end of a connection."""
    listeners = (FdType.IPV4_LISTENER, FdType.IPV6_LISTENER)
    return frozenset(fd.raw("tuple")[-2:] for fd in fds if fd.number("type") in listeners)


def _fd(fact: Facts, ports: frozenset[bytes]) -> bytes:
    kind = fact.number("type")
    kind = FdType.FILE_V2 if kind == FdType.FILE else kind if kind <= _LAST_FD_TYPE else FdType.UNSUPPORTED
    start = struct.pack("<qQB", fact.number("fd", signed=True), fact.number("ino"), kind)
    return _sized(start + _fd_payload(kind, fact, ports))


def _fd_payload(kind: int, fact: Facts, ports: frozenset[bytes]) -> bytes:
    ends = fact.raw("tuple")
    if kind in _ADDRESS_SIZES:
        width = _ADDRESS_SIZES[kind]
        return _address(kind, ends.ljust(1 + 2 * (width + 2), b"\0"), width, fact, ports)
    if kind == FdType.UNIX:
        return ends[1:17].ljust(16, b"\0") + _str16(fact.text("name") or ends[17:].split(b"\0")[0])
    if kind == FdType.FILE_V2:
        name, device = _str16(fact.text("name")), struct.pack("<I", fact.number("dev"))
        return struct.pack("<I", fact.number("flags")) + name + device
    return b"" if kind == FdType.UNKNOWN else _str16(fact.text("name"))


_ADDRESS_SIZES: Final[dict[int, int]] = {
    FdType.IPV4: 4,
    FdType.IPV6: 16,
    FdType.IPV4_LISTENER: 4,
    FdType.IPV6_LISTENER: 16,
}


def _address(kind: int, ends: bytes, width: int, fact: Facts, ports: frozenset[bytes]) -> bytes:
    source, sport = ends[1 : 1 + width], ends[1 + width : 3 + width]
    destination, dport = ends[3 + width : 3 + 2 * width], ends[3 + 2 * width : 5 + 2 * width]
    l4 = struct.pack("<B", fact.number("l4proto", L4.UNKNOWN))
    if kind in (FdType.IPV4_LISTENER, FdType.IPV6_LISTENER):
        return destination + dport + l4
    # readers turn an IPv4 connection round when its own port, told first, is one that somebody listens at
    if kind == FdType.IPV4 and fact.number("role") == Role.SERVER and dport in ports:
        source, sport, destination, dport = destination, dport, source, sport
    return source + destination + sport + dport + l4
