"""State blocks of a .scap -> state records: processes, fds, interfaces, users; every version of each."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Final

from sysdig_py.schema.record import Flag, pack_record
from sysdig_py.schema.state import FdType, State
from sysdig_py.trace.scap import layout
from sysdig_py.trace.scap.cursor import Cursor, LayoutError

_PADDING: Final = 4
_NO_ID: Final = -1
_LARGEST: Final = (1 << 63) - 1
_I64 = struct.Struct("<q").pack
_U64 = struct.Struct("<Q").pack
_U32 = struct.Struct("<I").pack
_U8 = struct.Struct("<B").pack


def records(kind: int, payload: memoryview) -> Iterator[bytes]:
    """Yield the state records of one block; nothing for a block of another type.

    Raises:
        LayoutError: the block does not hold what its type promises.
    """
    for versions, read in _READERS:
        if kind in versions:
            yield from read(Cursor(payload), versions[kind])
            return


def machine(payload: memoryview) -> dict[str, int | str]:
    """Return the facts of a machine block."""
    cursor = Cursor(payload)
    cpus, memory, max_pid = cursor.values("IQQ")
    name = cursor.raw(128).split(b"\0")[0].decode(errors="replace")
    # the engine counts in signed numbers; nothing real is larger
    memory, max_pid = min(memory, _LARGEST), min(max_pid, _LARGEST)
    facts = {"num_cpus": cpus, "memory_size_bytes": memory, "max_pid": max_pid, "hostname": name}
    boot_ts = min(cursor.value("Q"), _LARGEST) if cursor.left >= 8 else 0
    return facts | ({"boot_ts": boot_ts} if boot_ts else {})


def _record(kind: State, params: list[bytes], tid: int = 0) -> bytes:
    return pack_record(kind, params, tid=tid, flags=Flag.STATE_ONLY)


def _processes(cursor: Cursor, version: int) -> Iterator[bytes]:
    while cursor.left >= _PADDING:
        start = cursor.at
        size = cursor.value("I") if version >= 9 else 0
        if size and not 4 <= size <= cursor.end - start:
            raise LayoutError(f"a process of {size} bytes")
        inner = Cursor(cursor.data, cursor.at, start + size) if size else cursor
        yield _process(inner, version)
        if size:
            cursor.at = start + size


def _process(cursor: Cursor, version: int) -> bytes:
    tid, pid, ptid = cursor.values("qqq")
    sid = cursor.value("q") if version >= 6 else _NO_ID
    vpgid = cursor.value("q") if version >= 8 else _NO_ID
    comm, exe = cursor.text(), cursor.text()
    exepath = cursor.text() if version >= 7 else b""
    args, cwd = cursor.text(), cursor.text()
    fdlimit, flags, uid, gid = cursor.values("qIII")
    memory = cursor.values("IIIQQ") if version >= 2 else (0, 0, 0, 0, 0)
    env = cursor.text() if version >= 3 else b""
    vtid, vpid = cursor.values("qq") if version >= 4 else (_NO_ID, _NO_ID)
    cgroups = cursor.text() if version >= 4 else b""
    root = cursor.text() if version >= 5 else b""
    tail = _tail(cursor) if version >= 9 else {}
    ids = [_I64(number) for number in (tid, pid, ptid, sid, vpgid, tail.get("pgid", _NO_ID))]
    texts = [_text(comm), _text(exe), _text(exepath), args, _text(cwd), _text(root), env, cgroups]
    counts = [_U32(number) for number in memory[:3]] + [_U64(number) for number in memory[3:]]
    params = [*ids, *texts, _I64(fdlimit), _U32(flags), _U32(uid), _U32(gid), _U32(tail.get("loginuid", 0xFFFFFFFF))]
    params += [*counts, _I64(vtid), _I64(vpid), _U32(tail.get("tty", 0)), _U64(0)]
    return _record(State.THREAD, params + _program(tail), tid)


# the end of a process entry: the first values of a list that grew with the writers
_TAIL: Final = (
    *(("loginuid", "I"), ("writable", "B"), ("cap_inheritable", "Q"), ("cap_permitted", "Q"), ("cap_effective", "Q")),
    *(("upper_layer", "B"), ("exe_ino", "Q"), ("exe_ctime", "Q"), ("exe_mtime", "Q"), ("from_memfd", "B")),
    *(("lower_layer", "B"), ("pgid", "q")),
)
_EXE_FLAGS: Final = {"writable": 1, "upper_layer": 2, "from_memfd": 4, "lower_layer": 8}
_WIDE: Final = ("cap_inheritable", "cap_permitted", "cap_effective", "exe_ino", "exe_ctime", "exe_mtime")


def _tail(cursor: Cursor) -> dict[str, int]:
    """Return what is there of the tail."""
    told: dict[str, int] = {}
    if cursor.left > 29:
        told["pidns_start"], told["tty"] = cursor.values("QI")
    for name, form in _TAIL:
        if cursor.left < struct.calcsize(f"<{form}"):
            break
        told[name] = cursor.value(form)
    return told


def _program(tail: dict[str, int]) -> list[bytes]:
    """Return the last parameters of a THREAD record; what was not told is empty."""
    flags = b""
    if "writable" in tail:
        flags = _U32(sum(bit for name, bit in _EXE_FLAGS.items() if tail.get(name)))
    start = _U64(tail["pidns_start"]) if "pidns_start" in tail else b""
    return [start, flags, *(_U64(tail[name]) if name in tail else b"" for name in _WIDE)]


def _text(raw: bytes) -> bytes:
    return raw + b"\0"


def _fds(cursor: Cursor, version: int) -> Iterator[bytes]:
    tid = cursor.value("q")
    while cursor.left >= _PADDING:
        start = cursor.at
        size = cursor.value("I") if version >= 2 else 0
        if size and not 4 <= size <= cursor.end - start:
            raise LayoutError(f"an fd of {size} bytes")
        inner = Cursor(cursor.data, cursor.at, start + size) if size else cursor
        yield _fd(inner, tid, bool(size))
        if size:
            cursor.at = start + size


def _fd(cursor: Cursor, tid: int, is_sized: bool) -> bytes:
    fd, ino, kind = cursor.values("qQB")
    flags = device = l4 = 0
    name = tuple_ = b""
    if kind in _ADDRESSES:
        tuple_, l4 = _ADDRESSES[kind](cursor), cursor.value("B")
    elif kind == FdType.UNIX:
        ends, name = cursor.raw(16), cursor.text()
        tuple_ = b"\x01" + ends + _text(name)
    elif kind == FdType.FILE_V2:
        flags, name = cursor.value("I"), cursor.text()
        device = cursor.value("I") if is_sized and cursor.left >= 4 else 0
    elif kind in _NAMED:
        name = cursor.text()
    elif kind != FdType.UNKNOWN:
        kind, name = _unsupported(kind, is_sized)
    params = [_I64(fd), _U64(ino), _U8(kind), _U32(flags), _U32(device), _text(name), tuple_, _U8(l4), _U8(0)]
    return _record(State.FD, params, tid)


def _unsupported(kind: int, is_sized: bool) -> tuple[int, bytes]:
    if not is_sized:
        raise LayoutError(f"an fd of the unknown type {kind}")
    return FdType.UNSUPPORTED, f"unknown-type:[{kind}]".encode()


_NAMED: Final = frozenset(
    set(FdType) - {FdType.UNKNOWN, FdType.UNIX, FdType.FILE_V2}
    - {FdType.IPV4, FdType.IPV6, FdType.IPV4_LISTENER, FdType.IPV6_LISTENER}
)  # fmt: skip


def _pair(family: int, size: int) -> Callable[[Cursor], bytes]:
    """Return a reader of both addresses, then both ports."""

    def read(cursor: Cursor) -> bytes:
        source, destination = cursor.raw(size), cursor.raw(size)
        return _U8(family) + source + cursor.raw(2) + destination + cursor.raw(2)

    return read


def _own_end(family: int, size: int) -> Callable[[Cursor], bytes]:
    """Return a reader of the address a listener is bound to, as the destination of a tuple."""

    def read(cursor: Cursor) -> bytes:
        return _U8(family) + bytes(size + 2) + cursor.raw(size + 2)

    return read


_ADDRESSES: Final[dict[int, Callable[[Cursor], bytes]]] = {
    FdType.IPV4: _pair(2, 4),
    FdType.IPV6: _pair(10, 16),
    FdType.IPV4_LISTENER: _own_end(2, 4),
    FdType.IPV6_LISTENER: _own_end(10, 16),
}

# interface type -> bytes of an address, whether the link speed is told
_INTERFACE_TYPES: Final = {0: (0, False), 1: (4, True), 2: (16, True), 3: (4, False), 4: (16, False)}


def _interfaces(cursor: Cursor, version: int) -> Iterator[bytes]:
    while cursor.left >= _PADDING:
        size = cursor.value("I") if version >= 2 else 0
        start = cursor.at
        yield _interface(cursor)
        if size:
            if size > cursor.end - start:
                raise LayoutError(f"an interface of {size} bytes")
            cursor.at = start + size


def _interface(cursor: Cursor) -> bytes:
    kind, name_size = cursor.values("HH")
    if kind not in _INTERFACE_TYPES:
        raise LayoutError(f"an interface of the unknown type {kind}")
    width, has_speed = _INTERFACE_TYPES[kind]
    addresses = [cursor.raw(width) for _ in range(3)]
    speed = cursor.value("Q") if has_speed else 0
    return _record(State.INTERFACE, [_U64(0), _text(cursor.raw(name_size)), *addresses, _U64(speed)])


def interfaces_end(data: memoryview) -> int | None:
    """Return where the interfaces at the start of `data` really end, padded, for a block that tells a wrong length.

    Old tools wrote such blocks when they copied a list without lengths of its entries.
    """
    cursor, end = Cursor(data), None
    while cursor.left >= 8:
        size, kind, name_size = Cursor(data, cursor.at).values("IHH")
        width, has_speed = _INTERFACE_TYPES.get(kind, (None, False))
        if width is None or size != 4 + 3 * width + 8 * has_speed + name_size:
            break
        cursor.at += 4 + size
        end = -(-cursor.at // _PADDING) * _PADDING
    return end


def _users(cursor: Cursor, version: int) -> Iterator[bytes]:
    while cursor.left >= _PADDING:
        start = cursor.at
        size = cursor.value("I") if version >= 2 else 0
        if size and not 4 <= size <= cursor.end - start:
            raise LayoutError(f"a user of {size} bytes")
        if cursor.value("B") == 0:
            uid, gid = cursor.values("II")
            texts = [_text(cursor.text()) for _ in range(3)]
            yield _record(State.USER, [_U32(uid), _U32(gid), *texts])
        else:
            yield _record(State.GROUP, [_U32(cursor.value("I")), _text(cursor.text())])
        if size:
            cursor.at = start + size


_READERS: Final = (
    (layout.PROCESSES, _processes),
    (layout.FDS, _fds),
    (layout.INTERFACES, _interfaces),
    (layout.USERS, _users),
)
