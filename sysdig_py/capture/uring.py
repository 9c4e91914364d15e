"""What an operation of an io_uring is told as: the system call it stands for, and where its arguments are.

A row is `NAME[|STREAM NAME] ARGUMENT...`: the call's name (the second one is for files without a position, such as
sockets and pipes, and for an offset of -1) and, argument by argument of that call, what of the submission entry it is:

    fd      the descriptor (-1: a slot of the ring's own table)     at      the same member where it is no descriptor
    len     length                off     offset, or second address as a number      flags   the operation's flags
    splice  the other descriptor  alen    length of the address of a send            ptr     a buffer
    text text2 name name2 vec msg how2    what the first, or the second address points at, kept from the submission on

Operations without a row have no system call that does the same (timeouts, cancels, polls, buffers of the ring): they
are not told. Numbers and members are those of the kernel's `include/uapi/linux/io_uring.h`.
"""

from __future__ import annotations

import enum
import struct
from dataclasses import dataclass
from typing import Final

from sysdig_py.schema.events import syscalls

PLAN_COUNT: Final = 64
ARGUMENTS: Final = 6
_PLAN: Final = struct.Struct("<HHBBBB8s")


class Source(enum.IntEnum):
    """Where an argument comes from (`uring_request.c`, which relies on the order)."""

    NONE = 0
    FD = 1
    NUMBER = 2
    LENGTH = 3
    FLAGS = 4
    OFFSET = 5
    SPLICE_FD = 6
    NAME_LENGTH = 7
    # from here on addresses
    POINTER = 8
    # those behind which a first part is kept
    TEXT = 9
    MESSAGE = 10
    VECTOR = 11
    # and a second
    TEXT2 = 12
    NAME = 13
    NAME2 = 14
    HOW2 = 15


class Slot(enum.IntEnum):
    """What an operation can do with the ring's own table of files instead of an fd."""

    NONE = 0
    FILLED = 1
    CLOSED = 2


class Chosen(enum.IntEnum):
    """Where a request names the buffer that the kernel chose for it."""

    NONE = 0
    READ = 1
    RECEIVE = 2


_WORDS: Final = {
    "fd": Source.FD,
    "at": Source.NUMBER,
    "len": Source.LENGTH,
    "flags": Source.FLAGS,
    "off": Source.OFFSET,
    "splice": Source.SPLICE_FD,
    "alen": Source.NAME_LENGTH,
    "ptr": Source.POINTER,
    "text": Source.TEXT,
    "msg": Source.MESSAGE,
    "vec": Source.VECTOR,
    "text2": Source.TEXT2,
    "name": Source.NAME,
    "name2": Source.NAME2,
    "how2": Source.HOW2,
    "-": Source.NONE,
}

# operation (IORING_OP_*) -> row
ROWS: Final[dict[int, str]] = {
    1: "preadv|readv fd vec len off",
    2: "pwritev|writev fd vec len off",
    3: "fsync fd",
    4: "pread64|read fd ptr len off",
    5: "pwrite64|write fd ptr len off",
    8: "sync_file_range fd",
    9: "sendmsg fd msg flags",
    10: "recvmsg fd ptr flags",
    13: "accept4 fd ptr - flags",
    16: "connect fd name off",
    17: "fallocate fd",
    18: "openat at text flags len",
    19: "close fd",
    21: "statx at",
    22: "pread64|read fd ptr len off",
    23: "pwrite64|write fd ptr len off",
    24: "fadvise64 fd",
    25: "madvise",
    26: "sendto fd ptr len flags name2 alen",
    27: "recvfrom fd ptr len flags",
    28: "openat2 at text how2 len",
    29: "epoll_ctl at",
    30: "splice splice - fd - len flags",
    33: "tee splice fd len flags",
    34: "shutdown fd len",
    35: "renameat2 at text len text2 flags",
    36: "unlinkat at text flags",
    37: "mkdirat at text len",
    38: "symlinkat text at text2",
    39: "linkat at text len text2 flags",
    41: "fsetxattr fd",
    42: "setxattr",
    43: "fgetxattr fd",
    44: "getxattr",
    45: "socket at off len",
    47: "sendto fd ptr len flags name2 alen",
    48: "sendmsg fd msg flags",
    49: "pread64|read fd ptr len off",
    50: "waitid at",
    51: "futex_wait",
    52: "futex_wake",
    53: "futex_waitv",
    55: "ftruncate fd",
    56: "bind fd name off",
    57: "listen fd len",
    58: "recvfrom fd ptr len flags",
    59: "epoll_wait fd ptr len",
    60: "preadv|readv fd vec len off",
    61: "pwritev|writev fd vec len off",
    62: "pipe2 ptr flags",
}
_SLOTS: Final = dict.fromkeys((13, 18, 28, 45, 62), Slot.FILLED) | {19: Slot.CLOSED}
# bits of the entry's priority that ask for one completion after the other
REPEATS_ALWAYS: Final = 0xFF
_REPEATS: Final = {13: 1 << 0, 10: 1 << 1, 27: 1 << 1, 49: REPEATS_ALWAYS}
_CHOSEN: Final = {22: Chosen.READ, 49: Chosen.READ, 27: Chosen.RECEIVE}
# calls that an architecture has under another name only
_OTHERWISE: Final = {"epoll_wait": "epoll_pwait"}


@dataclass(frozen=True, slots=True)
class RingPlan:
    """One row: the numbers of the call with and without a position, and the sources of its arguments."""

    operation: int
    nr: int
    stream_nr: int
    sources: tuple[Source, ...]

    def pack(self) -> bytes:
        """Return the map value the probe reads."""
        operation = self.operation
        extras = (_SLOTS.get(operation, 0), _REPEATS.get(operation, 0), _CHOSEN.get(operation, 0))
        return _PLAN.pack(self.nr, self.stream_nr, 1, *extras, bytes(self.sources))


def ring_plans(arch: str) -> dict[int, RingPlan]:
    """Return the rows of an architecture by operation; those whose call it does not have are left out."""
    numbers = {s.name: s.nr for s in syscalls(arch)}
    made = {}
    for operation, row in ROWS.items():
        names, *words = row.split()
        found = [numbers.get(name, numbers.get(_OTHERWISE.get(name, ""))) for name in names.split("|")]
        nr, stream_nr = found[0], found[-1]
        if nr is not None and stream_nr is not None:
            made[operation] = RingPlan(operation, nr, stream_nr, tuple(_WORDS[word] for word in words))
    return made


def packed(arch: str) -> dict[int, bytes]:
    """Return the map's values by operation."""
    return {operation: plan.pack() for operation, plan in ring_plans(arch).items()}
