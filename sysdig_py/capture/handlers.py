"""Who makes the record of a call at its exit, and what it is told beside the plan.

The commonest records are made in the exit program itself, the others by a program of their family: by plain steps
(`plans.py`) or, for the events of SPECIAL, by code that knows them.
"""

from __future__ import annotations

import enum
from typing import Final


class Handler(enum.IntEnum):
    """Who makes the record: 1..4 in the exit program itself, the others by tail call."""

    GENERIC = 1
    READ = 2
    WRITE = 3
    CLOSE = 4
    PARAMS = 5
    TRANSFER = 6
    OPEN = 7
    OPEN_BY_HANDLE = 8
    SOCKETPAIR = 9
    OPTION = 10
    POLL = 11
    CLONE = 12
    CLONE_END = 13
    EXEC = 14
    EXEC_END = 15
    TASK = 16
    URING = 17
    RARE = 18
    DEATH = 19
    TOUCH = 24
    FD = 25
    THREAD = 26
    THREAD_END = 27

    @property
    def function(self) -> str:
        """Return the name of the C function, for those that are tail calls."""
        return f"handle_{self.name.lower()}"


INLINE: Final = frozenset({Handler.GENERIC, Handler.READ, Handler.WRITE, Handler.CLOSE})
# those that tell threads and files, by function
TELLING: Final = {one.function: one for one in (Handler.TOUCH, Handler.FD, Handler.THREAD, Handler.THREAD_END)}
STEPPED: Final = frozenset({Handler.PARAMS, Handler.TRANSFER})


class Transfer(enum.IntEnum):
    """What the arguments of a transferring call look like (`transfer.c`); RECEIVES is a bit of its own."""

    FLAT = 0
    VECTOR = 1
    ADDRESS = 2
    ACCEPT = 3
    MESSAGE = 4
    MESSAGES = 5
    KIND = 7
    RECEIVES = 8


class Rare(enum.IntEnum):
    """Which call it is that `rare.c` makes the record of."""

    QUOTACTL = 0
    KEYCTL = 1
    PTRACE = 2
    FSCONFIG = 3
    SEMOP = 4
    RING_ENTER = 5
    INIT_MODULE = 6


# A detail byte of handlers whose calls return 0 in the middle of things: born and executed is told elsewhere.
TOLD_BEFORE: Final = 255
_POSITIONED: Final = 1
_RECEIVE: Final = Transfer.RECEIVES
# handler and its detail byte of the events that are not made by plain steps
SPECIAL: Final[dict[str, tuple[Handler, int]]] = {
    "GENERIC_X": (Handler.GENERIC, 0),
    "SYSCALL_READ_X": (Handler.READ, 0),
    "SYSCALL_PREAD_X": (Handler.READ, _POSITIONED),
    "SYSCALL_WRITE_X": (Handler.WRITE, 0),
    "SYSCALL_PWRITE_X": (Handler.WRITE, _POSITIONED),
    "SYSCALL_CLOSE_X": (Handler.CLOSE, 0),
    "SYSCALL_READV_X": (Handler.TRANSFER, Transfer.VECTOR | _RECEIVE),
    "SYSCALL_PREADV_X": (Handler.TRANSFER, Transfer.VECTOR | _RECEIVE),
    "SYSCALL_WRITEV_X": (Handler.TRANSFER, Transfer.VECTOR),
    "SYSCALL_PWRITEV_X": (Handler.TRANSFER, Transfer.VECTOR),
    "SOCKET_BIND_X": (Handler.TRANSFER, Transfer.ADDRESS),
    "SOCKET_CONNECT_X": (Handler.TRANSFER, Transfer.ADDRESS),
    "SOCKET_ACCEPT_5_X": (Handler.TRANSFER, Transfer.ACCEPT | _RECEIVE),
    "SOCKET_ACCEPT4_6_X": (Handler.TRANSFER, Transfer.ACCEPT | _RECEIVE),
    "SOCKET_SENDTO_X": (Handler.TRANSFER, Transfer.FLAT),
    "SOCKET_RECVFROM_X": (Handler.TRANSFER, Transfer.FLAT | _RECEIVE),
    "SOCKET_SENDMSG_X": (Handler.TRANSFER, Transfer.MESSAGE),
    "SOCKET_RECVMSG_X": (Handler.TRANSFER, Transfer.MESSAGE | _RECEIVE),
    "SOCKET_SENDMMSG_X": (Handler.TRANSFER, Transfer.MESSAGES),
    "SOCKET_RECVMMSG_X": (Handler.TRANSFER, Transfer.MESSAGES | _RECEIVE),
    "SYSCALL_PROCESS_VM_READV_X": (Handler.TRANSFER, Transfer.VECTOR | _RECEIVE),
    "SYSCALL_PROCESS_VM_WRITEV_X": (Handler.TRANSFER, Transfer.VECTOR),
    "SYSCALL_OPEN_X": (Handler.OPEN, 0),
    "SYSCALL_CREAT_X": (Handler.OPEN, 0),
    "SYSCALL_OPENAT_2_X": (Handler.OPEN, 0),
    "SYSCALL_OPENAT2_X": (Handler.OPEN, 0),
    "SYSCALL_OPEN_BY_HANDLE_AT_X": (Handler.OPEN_BY_HANDLE, 0),
    "SOCKET_SOCKETPAIR_X": (Handler.SOCKETPAIR, 0),
    "SOCKET_SETSOCKOPT_X": (Handler.OPTION, 0),
    "SOCKET_GETSOCKOPT_X": (Handler.OPTION, 0),
    "SYSCALL_POLL_X": (Handler.POLL, 0),
    "SYSCALL_PPOLL_X": (Handler.POLL, 0),
    "SYSCALL_QUOTACTL_X": (Handler.RARE, Rare.QUOTACTL),
    "SYSCALL_KEYCTL_X": (Handler.RARE, Rare.KEYCTL),
    "SYSCALL_PTRACE_X": (Handler.RARE, Rare.PTRACE),
    "SYSCALL_FSCONFIG_X": (Handler.RARE, Rare.FSCONFIG),
    "SYSCALL_SEMOP_X": (Handler.RARE, Rare.SEMOP),
    "SYSCALL_IO_URING_ENTER_X": (Handler.RARE, Rare.RING_ENTER),
    "SYSCALL_INIT_MODULE_X": (Handler.RARE, Rare.INIT_MODULE),
    "SYSCALL_CLONE_20_X": (Handler.CLONE, TOLD_BEFORE),
    "SYSCALL_FORK_20_X": (Handler.CLONE, TOLD_BEFORE),
    "SYSCALL_VFORK_20_X": (Handler.CLONE, TOLD_BEFORE),
    "SYSCALL_CLONE3_X": (Handler.CLONE, TOLD_BEFORE),
    "SYSCALL_EXECVE_19_X": (Handler.EXEC, TOLD_BEFORE),
    "SYSCALL_EXECVEAT_X": (Handler.EXEC, TOLD_BEFORE),
}
