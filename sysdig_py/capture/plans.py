"""What the probe does at the exit of each system call: which handler, and how parameters are made.

Calls with plain parameters need no code of their own: a recipe names, parameter by parameter of
the event, where the value comes from. Recipes are words:

    ret        the return value                 a0..a5     argument, as the parameter's type
    a1:open    argument, converted              a1&15      argument, masked (a0&0: always 0)
    t0         user text at the argument        rt0        the same when the call returned > 0
    name1      user text at the argument when prctl sets a name by it
    u0+8       integer in user memory           ns0+16     struct timespec in user memory, in ns
    i0         inode behind the fd in user memory
    cap0..2    capability set of the caller     vm         vm_size, vm_rss and vm_swap
    -          absent

and for calls that transfer or connect: `data`, `size`, `tuple`, `addr`, `control`, and `queue`
(the three parameters of a listener's backlog).
"""

from __future__ import annotations

import enum
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sysdig_py.capture.conversions import Conversion
from sysdig_py.capture.handlers import INLINE, SPECIAL, STEPPED, Handler
from sysdig_py.capture.overhead.spare import brief_fd, spare
from sysdig_py.capture.touches import touches
from sysdig_py.capture.treatment import Treatment
from sysdig_py.schema.events import EventType, Param, events, syscalls

PLAN_COUNT: Final = 512
MAX_STEPS: Final = 10
_PLAN: Final = struct.Struct("<HHBBBBBBBBHBB")
NO_FD: Final = 255


class Op(enum.IntEnum):
    """Where one parameter comes from (`params.c`)."""

    END = 0
    EMPTY = 1
    RET = 2
    INT = 3
    FD = 4
    MASKED = 5
    TEXT = 6
    RESULT_TEXT = 7
    USER = 8
    USER_FD = 9
    TIME = 10
    CAPABILITY = 11
    FD_INO = 12
    MEMORY = 13
    DATA = 14
    SIZE = 15
    TUPLE = 16
    ADDRESS = 17
    CONTROL = 18
    QUEUE = 19
    NAME = 20


@dataclass(frozen=True, slots=True)
class Step:
    """One parameter's making."""

    op: Op
    arg: int = 0
    size: int = 0
    detail: int = 0
    conversion: Conversion = Conversion.NONE

    def pack(self) -> bytes:
        """Return the four bytes the probe reads; argument and conversion share one."""
        return bytes((self.op, self.arg | self.conversion << 3, self.size, self.detail))


RECIPES: Final[dict[str, str]] = {
    "SYSCALL_READV_X": "ret size data a0",
    "SYSCALL_PREADV_X": "ret size data a0 a3",
    "SYSCALL_WRITEV_X": "ret data a0 size",
    "SYSCALL_PWRITEV_X": "ret data a0 size a3",
    "SOCKET_BIND_X": "ret addr a0",
    "SOCKET_CONNECT_X": "ret tuple a0 addr",
    "SOCKET_ACCEPT_5_X": "ret tuple queue",
    "SOCKET_ACCEPT4_6_X": "ret tuple queue a3:open_bits",
    "SOCKET_SENDTO_X": "ret data a0 size tuple",
    "SOCKET_RECVFROM_X": "ret data tuple a0 size",
    "SOCKET_SENDMSG_X": "ret data a0 size tuple",
    "SOCKET_RECVMSG_X": "ret size data tuple control a0",
    "SOCKET_SENDMMSG_X": "ret a0 size data tuple",
    "SOCKET_RECVMMSG_X": "ret a0 size data tuple control",
    "SOCKET_SOCKET_X": "ret a0 a1&15 a2 a1:open_bits",
    "SOCKET_LISTEN_X": "ret a0 a1",
    "SOCKET_SHUTDOWN_X": "ret a0 a1",
    "SOCKET_GETSOCKNAME_X": "",
    "SOCKET_GETPEERNAME_X": "",
    "SYSCALL_PIPE_X": "ret u0 u0+4 i0",
    "SYSCALL_PIPE2_X": "ret u0 u0+4 i0 a1:open_bits",
    "SYSCALL_EVENTFD_X": "ret a0 a0&0",
    "SYSCALL_EVENTFD2_X": "ret a1:open_bits a0",
    "SYSCALL_FUTEX_X": "ret a0 a1 a2",
    "SYSCALL_STAT_X": "ret t0",
    "SYSCALL_LSTAT_X": "ret t0",
    "SYSCALL_FSTAT_X": "ret a0",
    "SYSCALL_EPOLLWAIT_X": "ret a2",
    "SYSCALL_SELECT_X": "ret",
    "SYSCALL_LSEEK_X": "ret a0 a1 a2",
    "SYSCALL_GETCWD_X": "ret rt0",
    "SYSCALL_CHDIR_X": "ret t0",
    "SYSCALL_FCHDIR_X": "ret a0",
    "SYSCALL_SIGNALFD_X": "ret a0 u1 a0&0",
    "SYSCALL_SIGNALFD4_X": "ret a3:open_bits a0 u1",
    "SYSCALL_KILL_X": "ret a0 a1",
    "SYSCALL_TKILL_X": "ret a0 a1",
    "SYSCALL_TGKILL_X": "ret a0 a1 a2",
    "SYSCALL_NANOSLEEP_X": "ret ns0",
    "SYSCALL_TIMERFD_CREATE_X": "ret a0 a1",
    "SYSCALL_INOTIFY_INIT_X": "ret a0&0",
    "SYSCALL_INOTIFY_INIT1_X": "ret a0:open_bits",
    "SYSCALL_GETRLIMIT_X": "ret u1 u1+8 a0:rlimit",
    "SYSCALL_SETRLIMIT_X": "ret u1 u1+8 a0:rlimit",
    "SYSCALL_PRLIMIT_X": "ret u2 u2+8 u3 u3+8 a0 a1:rlimit",
    "SYSCALL_FCNTL_X": "ret a0 a1:fcntl a2",
    "SYSCALL_BRK_4_X": "ret vm a0",
    "SYSCALL_MMAP_X": "ret vm a0 a1 a2:prot a3:mmap a4 a5",
    "SYSCALL_MUNMAP_X": "ret vm a0 a1",
    "SYSCALL_MPROTECT_X": "ret a0 a1 a2:prot",
    "SYSCALL_SPLICE_X": "ret a0 a2 a4 a5",
    "SYSCALL_IOCTL_3_X": "ret a0 a1 a2",
    "SYSCALL_RENAME_X": "ret t0 t1",
    "SYSCALL_RENAMEAT_X": "ret a0 t1 a2 t3",
    "SYSCALL_RENAMEAT2_X": "ret a0 t1 a2 t3 a4",
    "SYSCALL_SYMLINK_X": "ret t0 t1",
    "SYSCALL_SYMLINKAT_X": "ret t0 a1 t2",
    "SYSCALL_SENDFILE_X": "ret u2 a0 a1 a3",
    "SYSCALL_SETRESUID_X": "ret a0 a1 a2",
    "SYSCALL_SETRESGID_X": "ret a0 a1 a2",
    "SYSCALL_SETREUID_X": "ret a0 a1",
    "SYSCALL_SETREGID_X": "ret a0 a1",
    "SYSCALL_SETUID_X": "ret a0",
    "SYSCALL_SETGID_X": "ret a0",
    "SYSCALL_GETUID_X": "ret",
    "SYSCALL_GETEUID_X": "ret",
    "SYSCALL_GETGID_X": "ret",
    "SYSCALL_GETEGID_X": "ret",
    "SYSCALL_GETRESUID_X": "ret u0 u1 u2",
    "SYSCALL_GETRESGID_X": "ret u0 u1 u2",
    "SYSCALL_GETDENTS_X": "ret a0",
    "SYSCALL_GETDENTS64_X": "ret a0",
    "SYSCALL_SETNS_X": "ret a0 a1:clone",
    "SYSCALL_UNSHARE_X": "ret a0:clone",
    "SYSCALL_FLOCK_X": "ret a0 a1",
    "SYSCALL_SEMCTL_X": "ret a0 a1 a2:semctl a3",
    "SYSCALL_SEMGET_X": "ret a0 a1 a2:semget",
    "SYSCALL_MOUNT_X": "ret t0 t1 t2 a3",
    "SYSCALL_UMOUNT2_X": "ret t0 a1",
    "SYSCALL_ACCESS_X": "ret t0 a1",
    "SYSCALL_CHROOT_X": "ret t0",
    "SYSCALL_SETSID_X": "ret",
    "SYSCALL_MKDIR_2_X": "ret t0 a1",
    "SYSCALL_MKDIRAT_X": "ret a0 t1 a2",
    "SYSCALL_RMDIR_2_X": "ret t0",
    "SYSCALL_SETPGID_X": "ret a0 a1",
    "SYSCALL_SECCOMP_X": "ret a0 a1",
    "SYSCALL_UNLINK_2_X": "ret t0",
    "SYSCALL_UNLINKAT_2_X": "ret a0 t1 a2",
    "SYSCALL_LINK_2_X": "ret t0 t1",
    "SYSCALL_LINKAT_2_X": "ret a0 t1 a2 t3 a4",
    "SYSCALL_FCHMODAT_X": "ret a0 t1 a2",
    "SYSCALL_CHMOD_X": "ret t0 a1",
    "SYSCALL_FCHMOD_X": "ret a0 a1",
    "SYSCALL_USERFAULTFD_X": "ret a0:open_bits",
    "SYSCALL_COPY_FILE_RANGE_X": "ret a2 u3 a0 u1 a4",
    "SYSCALL_IO_URING_SETUP_X": "ret a0 u1 u1+4 u1+8:io_uring u1+12 u1+16 u1+20",
    "SYSCALL_IO_URING_REGISTER_X": "ret a0 a1 a2 a3",
    "SYSCALL_MLOCK_X": "ret a0 a1",
    "SYSCALL_MUNLOCK_X": "ret a0 a1",
    "SYSCALL_MLOCKALL_X": "ret a0",
    "SYSCALL_MUNLOCKALL_X": "ret",
    "SYSCALL_MLOCK2_X": "ret a0 a1 a2",
    "SYSCALL_CAPSET_X": "ret cap0 cap1 cap2",
    "SYSCALL_DUP_1_X": "ret a0",
    "SYSCALL_DUP2_X": "ret a0 a1",
    "SYSCALL_DUP3_X": "ret a0 a1 a2:open_bits",
    "SYSCALL_BPF_2_X": "ret a0",
    "SYSCALL_EPOLL_CREATE_X": "ret a0",
    "SYSCALL_EPOLL_CREATE1_X": "ret a0:epoll",
    "SYSCALL_CHOWN_X": "ret t0 a1 a2",
    "SYSCALL_LCHOWN_X": "ret t0 a1 a2",
    "SYSCALL_FCHOWN_X": "ret a0 a1 a2",
    "SYSCALL_FCHOWNAT_X": "ret a0 t1 a2 a3 a4:chownat",
    "SYSCALL_PRCTL_X": "ret a0 name1 a1",
    "SYSCALL_MEMFD_CREATE_X": "ret t0 a1",
    "SYSCALL_PIDFD_GETFD_X": "ret a0 a1 a2",
    "SYSCALL_PIDFD_OPEN_X": "ret a0 a1:pidfd",
    "SYSCALL_FINIT_MODULE_X": "ret a0 t1 a2",
    "SYSCALL_MKNOD_X": "ret t0 a1 a2",
    "SYSCALL_MKNODAT_X": "ret a0 t1 a2 a3",
    "SYSCALL_NEWFSTATAT_X": "ret a0 t1 a3",
    "SYSCALL_PROCESS_VM_READV_X": "ret a0 data",
    "SYSCALL_PROCESS_VM_WRITEV_X": "ret a0 data",
    "SYSCALL_DELETE_MODULE_X": "ret t0 a1:delete_module",
    "SYSCALL_CLOSE_RANGE_X": "ret a0 a1 a2",
}

_SIZES: Final = {
    **dict.fromkeys(("int8", "uint8", "flags8", "enumflags8", "sigtype", "bool"), 1),
    **dict.fromkeys(("int16", "uint16", "flags16", "enumflags16", "syscallid", "port"), 2),
    **dict.fromkeys(("int32", "uint32", "flags32", "enumflags32", "uid", "gid", "mode", "sigset"), 4),
    **dict.fromkeys(("int64", "uint64", "errno", "fd", "pid", "reltime", "abstime"), 8),
}
_SIGNED_32: Final = frozenset({"fd", "pid", "errno"})
_NAMED: Final = {
    "vm": Op.MEMORY, "data": Op.DATA, "size": Op.SIZE, "tuple": Op.TUPLE, "addr": Op.ADDRESS, "control": Op.CONTROL,
    "queue": Op.QUEUE,
}  # fmt: skip
_TRIPLES: Final = frozenset({"vm", "queue"})
_WORD: Final = re.compile(r"(ret|rt|ns|cap|[atui-])(\d?)(?:\+(\d+))?(?:&(\d+))?(?::(\w+))?$")


def steps(event: EventType) -> tuple[Step, ...]:
    """Return the steps that make `event`'s parameters; raises ValueError on a recipe that does not fit."""
    made: list[Step] = []
    done = 0
    words = RECIPES[event.id].split()
    for word in words:
        param = event.params[done]
        made.append(_step(word, param))
        done += 3 if word in _TRIPLES else 1
    if words and done != len(event.params):
        raise ValueError(f"{event.id}: recipe makes {done} of {len(event.params)} parameters")
    return tuple(made)


def _step(word: str, param: Param) -> Step:
    if word == "name1":
        return Step(Op.NAME, 1)
    if word in _NAMED:
        return Step(_NAMED[word], 0, _SIZES.get(param.type, 0))
    match = _WORD.match(word)
    if not match:
        raise ValueError(f"unknown recipe word {word!r}")
    kind, digit, offset, mask, conversion = match.groups()
    arg, at, size = int(digit or 0), int(offset or 0), _SIZES.get(param.type, 0)
    if kind == "cap":
        return Step(Op.CAPABILITY, 0, size, arg)
    if mask:
        return Step(Op.MASKED, arg, size, int(mask))
    return Step(_operation(kind, param), arg, size, at, Conversion[(conversion or "none").upper()])


def _operation(kind: str, param: Param) -> Op:
    if kind == "a":
        return Op.FD if param.type in _SIGNED_32 else Op.INT
    if kind == "u":
        return Op.USER_FD if param.type == "fd" else Op.USER
    fixed = {"-": Op.EMPTY, "ret": Op.RET, "t": Op.TEXT, "rt": Op.RESULT_TEXT, "ns": Op.TIME, "i": Op.FD_INO}
    return fixed[kind]


def fd_argument(event: EventType) -> int:
    """Return which argument of the call is the fd the event works on; NO_FD for none, or none of the arguments."""
    at = event.fd_index
    if at < 0:
        return NO_FD
    handler = SPECIAL.get(event.id, (Handler.PARAMS, 0))[0]
    if handler not in STEPPED:
        return 0 if handler in INLINE or handler is Handler.RARE else NO_FD
    words = [word for word in RECIPES[event.id].split() for _ in range(3 if word in _TRIPLES else 1)]
    match = _WORD.match(words[at]) if at < len(words) else None
    return int(match[2]) if match and match[1] == "a" else NO_FD


def pack_plan(event: EventType, ppm_sc: int, treatment: Treatment) -> bytes:
    """Return the map value for a system call reported as `event`."""
    handler, detail = SPECIAL.get(event.id, (Handler.PARAMS, 0))
    made = steps(event) if handler in STEPPED else ()
    nparams = len(event.params) if made or handler not in STEPPED else 0
    body = b"".join(step.pack() for step in made)
    fds = treatment.rules, touches(event, RECIPES.get(event.id, ""))
    judged = treatment.verdict, treatment.group, event.feeds_state, fd_argument(event)
    capped = spare(event), brief_fd(event, has_argument=fd_argument(event) != NO_FD)
    return _PLAN.pack(event.code, ppm_sc, handler, nparams, detail, *judged, *fds, *capped) + body.ljust(
        MAX_STEPS * 4, b"\0"
    )


def reported(arch: str) -> dict[int, tuple[EventType, int]]:
    """Return the event that every system call of `arch` is reported as, and its ppm_sc; generic without a row."""
    rows = {s.nr: (events()[s.exit_code], s.ppm_sc) for s in syscalls(arch) if s.nr < PLAN_COUNT}
    return dict.fromkeys(range(PLAN_COUNT), (events()[1], 0)) | rows


def plans(arch: str, treatments: Mapping[int, Treatment] | None = None) -> dict[int, bytes]:
    """Return the map value of every system call of `arch`; without a treatment of its own a call is kept."""
    return {nr: pack_plan(*what, (treatments or {}).get(nr, Treatment())) for nr, what in reported(arch).items()}
