"""State that becomes known between events -> events that tell a reader of a .scap the same, and that nobody is shown.

A block of processes or fds in the middle of a file would make its reader forget everything it knows. Events marked
STATE_ONLY are processed and never delivered: a process is told by its `execve`, an fd by a call that makes one.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Final

from sysdig_py.schema.record import HEADER_SIZE, MAX_SHORT_PARAM, Flag, Record, pack_record
from sysdig_py.schema.state import L4, FdType, Role, State
from sysdig_py.trace.scap.container_event import event_text
from sysdig_py.trace.scap.facts import Facts

CONTAINER_JSON: Final = 272
CONTAINER_JSON_LARGE: Final = 324
_OPEN, _CLOSE, _SOCKET, _BIND, _CONNECT, _ACCEPT = 2, 4, 18, 20, 22, 246
_PIPE, _EVENTFD, _SIGNALFD, _TIMERFD, _INOTIFY = 60, 62, 126, 136, 138
_CHDIR, _SETRESUID, _SETRESGID, _CLONE, _SETSID, _EXECVE = 94, 192, 194, 222, 274, 292
_THREAD_FLAGS: Final = 8192 | 1  # CLONE_THREAD, CLONE_FILES
_CHILD_IN_PIDNS: Final = 1 << 29
_O_DIRECTORY: Final = 1024
_FLAGS_AT: Final = 4
_NO_ID: Final = 0xFFFFFFFF
_DONE: Final = struct.pack("<q", 0)
_FAMILY: Final = {FdType.IPV4: 2, FdType.IPV6: 10, FdType.IPV4_LISTENER: 2, FdType.IPV6_LISTENER: 10, FdType.UNIX: 1}
_TYPE_AND_PROTOCOL: Final = {L4.TCP: (1, 6), L4.UDP: (2, 17), L4.ICMP: (3, 1), L4.RAW: (3, 255)}


def events(record: Record) -> list[bytes]:
    """Return the records, of the schema of 0.29.3, that tell what a state record tells; none when nothing can."""
    make = _MAKERS.get(record.type_code)
    return list(make(Facts(record))) if make else []


def _i64(number: int) -> bytes:
    return struct.pack("<q", number)


def _u32(number: int) -> bytes:
    return struct.pack("<I", number)


def _call(tid: int, code: int, entered: list[bytes], left: list[bytes]) -> Iterator[bytes]:
    """Yield both halves of a call that made the state what it is."""
    yield pack_record(code, entered, tid=tid, flags=Flag.STATE_ONLY)
    yield pack_record(code + 1, left, tid=tid, flags=Flag.STATE_ONLY)


def _container(fact: Facts) -> Iterator[bytes]:
    text = event_text(fact.record).encode() + b"\0"
    # each code has one width of lengths, and readers go by the code
    yield pack_record(
        CONTAINER_JSON_LARGE if len(text) > MAX_SHORT_PARAM else CONTAINER_JSON, [text], tid=-1, flags=Flag.STATE_ONLY
    )


def _thread(fact: Facts) -> Iterator[bytes]:
    tid = fact.number("tid", signed=True)
    if tid != fact.number("pid", tid, signed=True):
        yield _birth(fact, _THREAD_FLAGS)
        return
    yield from _call(tid, _EXECVE, [fact.text("exepath") + b"\0"], _execve(fact))
    uid, gid = (_u32(fact.number(key, _NO_ID)) for key in ("uid", "gid"))
    yield from _call(tid, _SETRESUID, [uid] * 3, [_DONE])
    yield from _call(tid, _SETRESGID, [gid] * 3, [_DONE])
    if fact.text("cwd"):
        yield from _call(tid, _CHDIR, [], [_DONE, fact.text("cwd") + b"\0"])
    yield from _call(tid, _SETSID, [], [_i64(fact.number("sid", -1, signed=True))])
    if fact.number("vtid", tid, signed=True) != tid:
        yield _birth(fact, _CHILD_IN_PIDNS)


def _identity(fact: Facts) -> list[bytes]:
    """Return the parameters that execve and clone share, from the result to the cgroups."""
    ids = [_i64(fact.number(key, -1, signed=True)) for key in ("tid", "pid", "ptid")]
    texts = [fact.text("exe") + b"\0", fact.raw("args")]
    counts = [struct.pack("<Q", fact.number(key)) for key in ("pgft_maj", "pgft_min")]
    counts += [_u32(fact.number(key)) for key in ("vm_size", "vm_rss", "vm_swap")]
    limit = _i64(fact.number("fdlimit", -1, signed=True))
    return [_DONE, *texts, *ids, b"\0", limit, *counts, fact.text("comm") + b"\0", fact.raw("cgroups")]


def _execve(fact: Facts) -> list[bytes]:
    tail = [_u32(fact.number("tty")), _i64(fact.number("vpgid", -1, signed=True))]
    return [*_identity(fact), fact.raw("env"), *tail, _u32(fact.number("loginuid", _NO_ID)), _u32(0)]


def _birth(fact: Facts, flags: int) -> bytes:
    """Return the event of a thread that reports its own birth."""
    tid = fact.number("tid", signed=True)
    ids = [_u32(fact.number(key, _NO_ID)) for key in ("uid", "gid")]
    own = [_i64(fact.number(key, tid, signed=True)) for key in ("vtid", "vpid")]
    return pack_record(_CLONE + 1, [*_identity(fact), _u32(flags), *ids, *own], tid=tid, flags=Flag.STATE_ONLY)


def _fd(fact: Facts) -> Iterator[bytes]:
    kind = fact.number("type")
    tid, number = fact.record.tid, _i64(fact.number("fd", signed=True))
    if kind in _SIMPLE:
        code, entered = _SIMPLE[kind]
        return _call(tid, code, entered, [number])
    make = _FD_MAKERS.get(kind)
    return make(fact, tid, number) if make else iter(())


def _file(fact: Facts, tid: int, number: bytes) -> Iterator[bytes]:
    flags = fact.number("flags") | (_O_DIRECTORY if fact.number("type") == FdType.DIRECTORY else 0)
    shared = [fact.text("name") + b"\0", _u32(flags), _u32(0)]
    return _call(tid, _OPEN, shared, [number, *shared, _u32(fact.number("dev"))])


def _closed(_fact: Facts, tid: int, number: bytes) -> Iterator[bytes]:
    return _call(tid, _CLOSE, [number], [_DONE])


def _pipe(fact: Facts, tid: int, number: bytes) -> Iterator[bytes]:
    yield from _call(tid, _PIPE, [], [_DONE, number, number, struct.pack("<Q", fact.number("ino"))])
    yield from _named(fact, tid, number)


def _named(fact: Facts, tid: int, number: bytes) -> Iterator[bytes]:
    """Yield the call that gives an fd, of whatever kind, the name it shall have: a bind to a path."""
    if fact.text("name"):
        yield from _call(tid, _BIND, [number], [_DONE, b"\x01" + fact.text("name") + b"\0"])


def _socket(fact: Facts, tid: int, number: bytes) -> Iterator[bytes]:
    kind, ends = fact.number("type"), fact.raw("tuple")
    if fact.number("role") == Role.SERVER and fact.number("l4proto") == L4.TCP and kind in (FdType.IPV4, FdType.IPV6):
        yield from _call(tid, _ACCEPT, [], [number, ends, b"\0", _u32(0), _u32(0)])
        return
    family = _FAMILY[FdType(kind)]
    type_, protocol = _TYPE_AND_PROTOCOL.get(L4(fact.number("l4proto") % len(L4)), (1, 0))
    yield from _call(tid, _SOCKET, [_u32(family), _u32(type_), _u32(protocol)], [number])
    name = fact.text("name")
    if kind in (FdType.IPV4_LISTENER, FdType.IPV6_LISTENER):
        yield from _call(tid, _BIND, [number], [_DONE, _end(ends)])
    elif kind == FdType.UNIX and b"->" not in name:
        # the name of a socket that was there before is its path alone, as that of a bound one
        yield from _named(fact, tid, number)
    elif ends:
        yield from _call(tid, _CONNECT, [number, _end(ends)], [_DONE, ends])


def _end(ends: bytes) -> bytes:
    """Return the destination of a tuple as an address."""
    if ends[:1] == b"\x01":
        return b"\x01" + ends[17:]
    return ends[:1] + ends[1 + (len(ends) - 1) // 2 :]


def _entered(fact: Facts) -> Iterator[bytes]:
    """Yield the enter event of an exit that is kept without it."""
    record = bytearray(fact.raw("event"))
    if len(record) >= HEADER_SIZE:
        (flags,) = struct.unpack_from("<I", record, _FLAGS_AT)
        struct.pack_into("<I", record, _FLAGS_AT, flags | Flag.STATE_ONLY)
        yield bytes(record)


_MAKERS: Final[dict[int, Callable[[Facts], Iterator[bytes]]]] = {
    State.CONTAINER: _container,
    State.THREAD: _thread,
    State.FD: _fd,
    State.ENTERED: _entered,
}
# kinds of fds that a call makes without telling more: the call and what it is entered with
_SIMPLE: Final[dict[int, tuple[int, list[bytes]]]] = {
    FdType.EVENT: (_EVENTFD, [bytes(8), bytes(4)]),
    FdType.SIGNALFD: (_SIGNALFD, [_i64(-1), bytes(4), bytes(1)]),
    FdType.TIMERFD: (_TIMERFD, [bytes(1), bytes(1)]),
    FdType.INOTIFY: (_INOTIFY, [bytes(1)]),
}
_FD_MAKERS: Final[dict[int, Callable[[Facts, int, bytes], Iterator[bytes]]]] = {
    FdType.UNKNOWN: _closed,
    FdType.FILE: _file,
    FdType.FILE_V2: _file,
    FdType.DIRECTORY: _file,
    FdType.PIPE: _pipe,
    **dict.fromkeys(_FAMILY, _socket),
}
