"""One row per system call that no other test exercises: a call by its number, and the parameters of its event.

The calls are made one after the other by one process without a library's help. Arguments: numbers; texts, which become
addresses; `Out(n)`: n zeroed bytes; `Raw(b)`: these bytes; `Res(key)`: what the call of that
key returned; `PID`; `ADDRESS` of a page of its own.
"""

import json
import os
from typing import NamedTuple

import pytest

from sysdig_py.schema.events import events, syscalls

pytestmark = pytest.mark.kernel


class Call(NamedTuple):
    name: str
    args: tuple
    expected: dict
    key: str = ""


def Out(size):  # noqa: N802 - reads like a value in the table
    return {"bytes": "00" * size}


def Raw(data):  # noqa: N802
    return {"bytes": data.hex()}


def Res(key):  # noqa: N802
    return {"result": key}


def Number(value):  # noqa: N802
    """A parameter of several types, that of a number in this case."""
    return b"\0" + value.to_bytes(8, "little")


PID, ADDRESS = {"name": "pid"}, {"name": "page"}
CLOEXEC = 0o2000000
PPM_CLOEXEC = 0x1000
EPERM, ENOENT, EBADF, EFAULT, EINVAL = -1, -2, -9, -14, -22
LIMIT = (1000).to_bytes(8, "little") + (2000).to_bytes(8, "little")
# limits of blocks, space, limits of inodes, inodes, end of the grace times of both; only the first of these is valid
QUOTA = b"".join(n.to_bytes(8, "little") for n in range(1, 9)) + (16).to_bytes(8, "little")
# grace times, flags, and which of them are valid
QUOTA_INFO = b"".join(n.to_bytes(8, "little") for n in (60, 70)) + b"\1\0\0\0" + b"\5\0\0\0"
SHORT = (0).to_bytes(8, "little") + (3000).to_bytes(8, "little")

CALLS = (
    Call("memfd_create", ("table-file", 1), {"fd": Res("file"), "name": "table-file", "flags": 1}, "file"),
    Call("memfd_create", ("other", 0), {"name": "other", "flags": 0}, "other"),
    Call("write", (Res("file"), "0123456789", 10), {"res": 10, "data": b"0123456789"}),
    Call("stat", ("/", Out(144)), {"res": 0, "path": "/"}),
    Call("stat", ("/no-such-file", Out(144)), {"res": ENOENT, "path": "/no-such-file"}),
    Call("lstat", ("/no-such-link", Out(144)), {"res": ENOENT, "path": "/no-such-link"}),
    Call("fstat", (Res("file"), Out(144)), {"res": 0, "fd": Res("file")}),
    Call("newfstatat", (-100, "/tmp", Out(144), 0x100), {"res": 0, "dirfd": -100, "path": "/tmp"}),
    Call("access", ("/tmp", 6), {"res": 0, "name": "/tmp", "mode": 6}),
    Call("mprotect", (ADDRESS, 4096, 3), {"res": 0, "addr": ADDRESS, "length": 4096, "prot": 3}),
    Call("mlock", (ADDRESS, 4096), {"res": 0, "addr": ADDRESS, "len": 4096}),
    Call("munlock", (ADDRESS, 4096), {"res": 0, "addr": ADDRESS, "len": 4096}),
    Call("mlock2", (ADDRESS, 4096, 1), {"res": 0, "addr": ADDRESS, "len": 4096, "flags": 1}),
    Call("mlockall", (64,), {"res": EINVAL}),
    Call("munlockall", (), {"res": 0}),
    Call("ioctl", (Res("file"), 0x5401, 7), {"res": -25, "fd": Res("file"), "request": 0x5401, "argument": 7}),
    Call("pipe", (Out(8),), {"res": 0}, "pipe"),
    Call("dup", (Res("file"),), {"res": Res("dup"), "oldfd": Res("file")}, "dup"),
    Call("dup", (77,), {"res": EBADF, "oldfd": 77}),
    Call("select", (0, 0, 0, 0, Out(16)), {"res": 0}),
    Call("nanosleep", (Raw(SHORT), 0), {"res": 0, "interval": 3000}),
    Call(
        "sendfile", (Res("other"), Res("file"), Out(8), 4),
        {"res": 4, "out_fd": Res("other"), "in_fd": Res("file"), "size": 4, "offset": 4},
    ),
    Call(
        "copy_file_range", (Res("file"), Out(8), Res("other"), Out(8), 3, 0),
        {"res": 3, "fdin": Res("file"), "fdout": Res("other"), "len": 3, "offin": 3, "offout": 3},
    ),
    Call("splice", (Res("file"), 0, 77, 0, 5, 1), {"res": EBADF, "fd_in": Res("file"), "fd_out": 77, "size": 5}),
    Call("flock", (Res("file"), 2), {"res": 0, "fd": Res("file"), "operation": 2}),
    Call("getdents", (Res("file"), Out(64), 64), {"res": -20, "fd": Res("file")}),
    Call("getdents64", (Res("file"), Out(64), 64), {"res": -20, "fd": Res("file")}),
    Call("fchmod", (Res("file"), 0o640), {"res": 0, "fd": Res("file"), "mode": 0o640}),
    Call("chown", ("/no-such", 5, 6), {"res": ENOENT, "path": "/no-such", "uid": 5, "gid": 6}),
    Call("lchown", ("/no-such", 7, 8), {"res": ENOENT, "path": "/no-such", "uid": 7, "gid": 8}),
    Call("fchown", (Res("file"), 0, 0), {"res": 0, "fd": Res("file"), "uid": 0, "gid": 0}),
    Call("fchownat", (-100, "no-such", 1, 2, 0), {"res": ENOENT, "dirfd": -100, "pathname": "no-such", "uid": 1}),
    Call("fchmodat", (-100, "no-such", 0o600), {"res": ENOENT, "dirfd": -100, "filename": "no-such", "mode": 0o600}),
    Call("mknod", ("/no-such/node", 0o100600, 9), {"res": ENOENT, "path": "/no-such/node", "dev": 9}),
    Call("mknodat", (-100, "/no-such/n", 0o100600, 9), {"res": ENOENT, "dirfd": -100, "path": "/no-such/n", "dev": 9}),
    Call("getrlimit", (7, Out(16)), {"res": 0, "resource": 7}),
    Call("setrlimit", (4, Raw(LIMIT)), {"res": 0, "cur": 1000, "max": 2000, "resource": 4}),
    Call("prlimit64", (0, 4, 0, Out(16)), {"res": 0, "oldcur": 1000, "oldmax": 2000, "pid": 0, "resource": 4}),
    Call("getgid", (), {"gid": 0}),
    Call("geteuid", (), {"euid": 0}),
    Call("getegid", (), {"egid": 0}),
    Call("setgid", (0,), {"res": 0, "gid": 0}),
    Call("setreuid", (-1, 0), {"res": 0, "ruid": 0xFFFFFFFF, "euid": 0}),
    Call("setregid", (0, -1), {"res": 0, "rgid": 0, "egid": 0xFFFFFFFF}),
    Call("getresuid", (Out(4), Out(4), Out(4)), {"res": 0, "ruid": 0, "euid": 0, "suid": 0}),
    Call("getresgid", (Out(4), Out(4), Out(4)), {"res": 0, "rgid": 0, "egid": 0, "sgid": 0}),
    Call("setpgid", (0, 0), {"res": 0, "pid": 0, "pgid": 0}),
    Call("setsid", (), {"res": EPERM}),
    Call("capset", (8, 8), {"res": EFAULT}),
    Call("chroot", ("/no-such-root",), {"res": ENOENT, "path": "/no-such-root"}),
    Call(
        "mount", ("dev", "/no-such-dir", "no-such-type", 1, 0),
        {"res": ENOENT, "dev": "dev", "dir": "/no-such-dir", "type": "no-such-type", "flags": 1},
    ),
    Call("umount2", ("/no-such-dir", 8), {"res": ENOENT, "name": "/no-such-dir", "flags": 8}),
    Call("init_module", (8, 16, "x=1"), {"img": b"", "length": 16, "uargs": "x=1"}),
    Call("init_module", ("no image", 8, "x=2"), {"img": b"no image", "length": 8, "uargs": "x=2"}),
    Call("finit_module", (77, "y=2", 0), {"fd": 77, "uargs": "y=2"}),
    Call("delete_module", ("no_such_module", 0), {"name": "no_such_module"}),
    Call("kill", (PID, 0), {"res": 0, "pid": PID, "sig": 0}),
    Call("tkill", (PID, 0), {"res": 0, "tid": PID, "sig": 0}),
    Call("tgkill", (PID, PID, 0), {"res": 0, "pid": PID, "tid": PID, "sig": 0}),
    Call("futex", (ADDRESS, 1, 3), {"res": 0, "addr": ADDRESS, "op": 1, "val": 3}),
    Call("ptrace", (99, PID, 5, 6), {"request": 0, "pid": PID, "addr": Number(5), "data": Number(6)}),
    Call("ptrace", (24, PID, 0, 9), {"request": 0xD, "pid": PID, "addr": Number(0), "data": b"\1\x09"}),
    Call("semget", (0, 1, 0o600), {"key": 0, "nsems": 1}, "semaphores"),
    Call("semop", (Res("semaphores"), Raw(b"\0\0\1\0\0\x08"), 1), {
        "res": 0, "nsops": 1, "sem_num_0": 0, "sem_op_0": 1, "semid": Res("semaphores"), "sem_flg_0": 1,
        "sem_num_1": None, "sem_op_1": None, "sem_flg_1": None,
    }),
    Call("semop", (Res("semaphores"), Raw(b"\0\0\2\0\0\0\0\0\xff\xff\0\x10"), 2), {
        "res": 0, "nsops": 2, "sem_op_0": 2, "sem_flg_0": 0, "sem_num_1": 0, "sem_op_1": -1, "sem_flg_1": 2,
    }),
    Call("semctl", (Res("semaphores"), 0, 0, 0), {"res": 0, "semid": Res("semaphores"), "semnum": 0, "cmd": 4}),
    Call("epoll_create", (5,), {"size": 5}, "epoll"),
    Call("epoll_wait", (Res("epoll"), Out(24), 2, 0), {"res": 0, "maxevents": 2}),
    Call("inotify_init", (), {"res": Res("inotify"), "flags": 0}, "inotify"),
    Call("inotify_init1", (CLOEXEC,), {"res": Res("inotify1"), "flags": PPM_CLOEXEC}, "inotify1"),
    Call("signalfd", (-1, Raw(b"\0\4\0\0\0\0\0\0"), 8), {"fd": -1, "mask": 0x400, "flags": 0}),
    Call("signalfd4", (-1, Raw(b"\0\2\0\0\0\0\0\0"), 8, CLOEXEC), {"fd": -1, "mask": 0x200, "flags": PPM_CLOEXEC}),
    Call("timerfd_create", (1, 0), {"clockid": 1, "flags": 0}),
    Call("eventfd", (9,), {"initval": 9, "flags": 0}),
    Call("ppoll", (0, 0, Raw(SHORT), 0, 8), {"res": 0, "timeout": 0}),
    Call("unshare", (0x200,), {"res": 0, "flags": 2}),
    Call("setns", (77, 0x40000000), {"res": EBADF, "fd": 77, "nstype": 0x10}),
    Call("recvmmsg", (77, Out(64), 1, 0, 0), {"res": EBADF, "fd": 77}),
    Call("accept", (77, 0, 0), {"fd": EBADF}),
    Call("getsockname", (77, 0, 0), {}),
    Call("getpeername", (77, 0, 0), {}),
    Call("open_by_handle_at", (77, Out(16), 0), {"mountfd": 77}),
    Call("process_vm_readv", (PID, 0, 0, 0, 0, 0), {"res": 0, "pid": PID}),
    Call("process_vm_writev", (PID, 0, 0, 0, 0, 0), {"res": 0, "pid": PID}),
    Call("seccomp", (99, 1, 0), {"res": EINVAL, "op": 99, "flags": 1}),
    Call("bpf", (0x7FFF, 0, 0), {"fd": EINVAL}),
    Call("userfaultfd", (0x7000,), {"res": EINVAL}),
    Call("prctl", (15, "renamed", 0, 0, 0), {"res": 0, "option": 15, "arg2_str": "renamed"}),
    Call("prctl", (3, 5, 0, 0, 0), {"res": 1, "option": 3, "arg2_int": 5, "arg2_str": None}),
    Call("keyctl", (6, 7, 0, 0, 9), {"operation": 6, "arg2": Number(7), "arg3": Number(0), "arg5": Number(9)}),
    Call("keyctl", (1, "ring", 2, 3, 4), {"operation": 1, "arg2": b"\1ring\0", "arg3": Number(2)}),
    Call("keyctl", (10, 1, "user", "none", 5), {"arg2": Number(1), "arg3": b"\1user\0", "arg4": b"\1none\0"}),
    Call("io_uring_setup", (3, Out(120)), {"entries": 3, "sq_entries": 4, "cq_entries": 8}, "ring"),
    Call("io_uring_enter", (Res("ring"), 0, 0, 0, 0, 0), {"res": 0, "fd": Res("ring"), "to_submit": 0, "sig": 0}),
    Call("io_uring_enter", (Res("ring"), 0, 1, 0, Raw(b"\0\2\0\0\0\0\0\0"), 8), {"min_complete": 1, "sig": 0x200}),
    Call("io_uring_register", (Res("ring"), 1, 0, 0), {"fd": Res("ring"), "opcode": 1, "nr_args": 0}),
    Call("fsconfig", (77, 0, "key", 0, 3), {"res": EINVAL, "fd": 77, "key": "key", "aux": 3}),
    Call("fsconfig", (77, 1, "key", "value", 0), {"cmd": 1, "value_charbuf": "value", "value_bytebuf": b""}),
    Call("fsconfig", (77, 2, "key", "value", 3), {"cmd": 2, "value_charbuf": None, "value_bytebuf": b"val", "aux": 3}),
    Call("quotactl", (0x80000800, "/no/device", 1000, Raw(QUOTA)), {
        "special": "/no/device", "quotafilepath": None, "dqb_bhardlimit": 1, "dqb_bsoftlimit": 2, "dqb_curspace": 3,
        "dqb_ihardlimit": 4, "dqb_isoftlimit": 5, "dqb_btime": 7_000_000_000, "dqb_itime": None, "dqi_bgrace": None,
        "quota_fmt_out": None, "cmd": 0x40, "type": 1, "id": 1000, "quota_fmt": None,
    }),
    Call("quotactl", (0x80000601, "/no/device", 0, Raw(QUOTA_INFO)), {
        "dqb_bhardlimit": None, "dqi_bgrace": 60_000_000_000, "dqi_igrace": None, "dqi_flags": 2, "cmd": 0x10,
        "type": 2,
    }),
    Call("quotactl", (0x80000201, "/no/device", 4, "/no/file"), {
        "quotafilepath": "/no/file", "dqi_flags": None, "cmd": 1, "id": None, "quota_fmt": 8,
    }),
    Call("quotactl", (0x80000400, "/no/device", 0, Out(4)), {"cmd": 4, "quota_fmt_out": None, "quota_fmt": None}),
    Call("pidfd_open", (PID, 0), {"fd": Res("pidfd"), "pid": PID, "flags": 0}, "pidfd"),
    Call("pidfd_getfd", (Res("pidfd"), Res("file"), 0), {"pid_fd": Res("pidfd"), "target_fd": Res("file")}),
    Call("close_range", (900, 950, 4), {"first": 900, "last": 950, "flags": 4}),
)  # fmt: skip
SCRIPT = """
import ctypes, json, mmap, os, sys
libc = ctypes.CDLL(None, use_errno=True)
page = mmap.mmap(-1, 4096)
names = {"pid": os.getpid(), "page": ctypes.addressof(ctypes.c_char.from_buffer(page))}
results = []
known = {}
def value(arg):
    if isinstance(arg, int): return ctypes.c_long(arg)
    if isinstance(arg, str): return arg.encode()
    if "name" in arg: return ctypes.c_long(names[arg["name"]])
    if "result" in arg: return ctypes.c_long(known[arg["result"]])
    return ctypes.create_string_buffer(bytes.fromhex(arg["bytes"]), max(len(arg["bytes"]) // 2, 1))
for number, key, args in json.loads(sys.argv[1]):
    result = libc.syscall(number, *map(value, args))
    known[key] = result if result >= 0 else -ctypes.get_errno()
print(json.dumps([known, names]))
"""
ARCH = os.uname().machine
NUMBERS = {call.name: call for call in syscalls(ARCH)}
HERE = [call for call in CALLS if call.name in NUMBERS]


@pytest.fixture(scope="module")
def captured(probe):
    from conftest import Tracer

    rows = [[NUMBERS[call.name].nr, call.key, call.args] for call in HERE]
    found = Tracer(probe).run(SCRIPT, json.dumps(rows))
    return found, *json.loads(found.out)


@pytest.mark.parametrize("call", HERE, ids=lambda call: f"{call.name}-{HERE.index(call)}")
def test_the_event_of_a_call_has_its_parameters(captured, call):
    found, known, names = captured

    def meant(value):
        if isinstance(value, dict):
            return known[value["result"]] if "result" in value else names[value["name"]]
        return value

    expected = {name: meant(value) for name, value in call.expected.items()}
    event = events()[NUMBERS[call.name].exit_code]
    of_type = found.of(event.id)
    assert any(all(r[name] == value for name, value in expected.items()) for r in of_type), (expected, of_type)


def test_nearly_every_named_call_is_exercised_somewhere(request):
    texts = "".join(path.read_text() for path in request.path.parent.glob("test_*.py"))
    named = {call.name: events()[call.exit_code] for call in syscalls(ARCH)}
    named = {name: event for name, event in named.items() if event.id != "GENERIC_X"}
    rows = {call.name for call in HERE}
    left = [name for name, event in named.items() if name not in rows and event.id not in texts]
    assert len(left) <= len(named) // 10, left
