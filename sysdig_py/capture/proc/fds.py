"""FD records: every open file of a process."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from sysdig_py.capture.proc.encode import charbuf, pack_u32, pack_u64
from sysdig_py.capture.proc.reading import directory, link, numbers, read_or_empty
from sysdig_py.capture.proc.sockets import NetworkNamespace, Socket
from sysdig_py.schema.events import flag_tables
from sysdig_py.schema.record import Flag, pack_record
from sysdig_py.schema.state import L4, FdType, Role, State

_FDINFO_LIMIT: Final = 512  # flags and ino stand on top; what follows can be long (epoll, inotify)
_FLAGS: Final = re.compile(rb"^flags:\s*([0-7]+)$", re.MULTILINE)
_INO: Final = re.compile(rb"^ino:\s*(\d+)$", re.MULTILINE)
_BRACKETS: Final = re.compile(rb"([a-z_]+):\[(\d+)\]")
_ACCESS: Final = {os.O_RDONLY: "O_RDONLY", os.O_WRONLY: "O_WRONLY", os.O_RDWR: "O_RDWR"}
# O_LARGEFILE is left out: the kernel sets it on every file of a 64-bit process, whoever opened it.
_OPEN_FLAGS: Final = (
    "O_CREAT",
    "O_EXCL",
    "O_TRUNC",
    "O_APPEND",
    "O_NONBLOCK",
    "O_DSYNC",
    "O_SYNC",
    "O_DIRECT",
    "O_DIRECTORY",
    "O_CLOEXEC",
    "O_TMPFILE",
)
_ANONYMOUS: Final = {
    b"[eventfd]": FdType.EVENT,
    b"[eventpoll]": FdType.EVENTPOLL,
    b"[timerfd]": FdType.TIMERFD,
    b"[signalfd]": FdType.SIGNALFD,
    b"inotify": FdType.INOTIFY,
    b"[userfaultfd]": FdType.USERFAULTFD,
    b"[io_uring]": FdType.IO_URING,
    b"[pidfd]": FdType.PIDFD,
}
_ANON_PREFIX: Final = b"anon_inode:"
_MEMFD_PREFIX: Final = b"/memfd:"


class OpenFile(NamedTuple):
    """One fd as its record tells it."""

    num: int
    ino: int
    type: FdType
    flags: int = 0
    dev: int = 0
    name: bytes = b""
    tuple: bytes = b""
    l4: L4 = L4.NONE
    role: Role = Role.NONE


def record(pid: int, cgroup: int, file: OpenFile) -> bytes:
    """Return the record of a process' open file."""
    params = [
        pack_u64(file.num),
        pack_u64(file.ino),
        bytes((file.type,)),
        pack_u32(file.flags),
        pack_u32(file.dev),
        charbuf(file.name),
        file.tuple,
        bytes((file.l4,)),
        bytes((file.role,)),
    ]
    return pack_record(State.FD, params, tid=pid, pid=pid, cgroup_id=cgroup, flags=Flag.STATE_ONLY)


def open_files(process_fd: int, sockets: NetworkNamespace) -> Iterator[OpenFile]:
    """Yield what the process whose `/proc` directory is open has open; files closed meanwhile are left out."""
    try:
        with directory("fd", process_fd) as fds, directory("fdinfo", process_fd) as infos:
            for num in numbers(fds):
                file = _open_file(num, fds, infos, sockets)
                if file:
                    yield file
    except OSError:  # gone, or not ours to see
        return


@lru_cache(maxsize=4096)
def ppm_flags(flags: int) -> int:
    """Return the scap form of a file's open flags."""
    values = dict(flag_tables()["file_flags"])
    result = values[_ACCESS.get(flags & os.O_ACCMODE, "O_RDONLY")]
    for name in _OPEN_FLAGS:
        bits = getattr(os, name)
        if flags & bits == bits:
            result |= values[name]
    return result


def encode_dev(dev: int) -> int:
    """Return a device number as the kernel hands it out in 32 bits (12 bits of major in the middle)."""
    major, minor = os.major(dev), os.minor(dev)
    return (minor & 0xFF) | (major << 8) | ((minor & ~0xFF) << 12)


def _open_file(num: int, fds: int, infos: int, sockets: NetworkNamespace) -> OpenFile | None:
    name = str(num)
    target = link(name, fds)
    if not target:
        return None
    info = read_or_empty(name, infos, _FDINFO_LIMIT)
    raw_flags, ino = _FLAGS.search(info), _INO.search(info)
    flags = ppm_flags(int(raw_flags[1], 8)) if raw_flags else 0
    file = OpenFile(num, int(ino[1]) if ino else 0, FdType.UNSUPPORTED, flags, name=target)
    if target.startswith(b"/"):
        return _with_stat(file, name, fds)
    if target.startswith(_ANON_PREFIX):
        return file._replace(type=_anonymous(target.removeprefix(_ANON_PREFIX)), name=b"")
    return _bracketed(file, sockets)


def _with_stat(file: OpenFile, name: str, fds: int) -> OpenFile | None:
    try:
        status = os.stat(name, dir_fd=fds)
    except OSError:
        return None
    kind = FdType.FILE_V2
    if stat.S_ISDIR(status.st_mode):
        kind = FdType.DIRECTORY
    elif stat.S_ISFIFO(status.st_mode):
        kind = FdType.PIPE
    elif file.name.startswith(_MEMFD_PREFIX):
        kind = FdType.MEMFD
    return file._replace(type=kind, ino=status.st_ino, dev=encode_dev(status.st_dev))


def _anonymous(kind: bytes) -> FdType:
    return FdType.BPF if kind.startswith(b"bpf") else _ANONYMOUS.get(kind, FdType.UNSUPPORTED)


def _bracketed(file: OpenFile, sockets: NetworkNamespace) -> OpenFile:
    """Tell files whose link reads `kind:[inode]`."""
    match = _BRACKETS.fullmatch(file.name)
    if not match:
        return file
    kind, ino = match[1], int(match[2])
    if kind == b"socket":
        found = sockets.find(ino) or Socket(FdType.UNKNOWN, file.name)
        return file._replace(ino=ino, type=found.type, name=found.name, tuple=found.tuple, l4=found.l4, role=found.role)
    if kind == b"pipe":
        return file._replace(ino=ino, type=FdType.PIPE)
    if kind == b"pidfd":
        return file._replace(type=FdType.PIDFD, name=b"")
    return file._replace(ino=ino, type=FdType.FILE)  # a namespace
