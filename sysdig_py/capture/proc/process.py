"""THREAD records: every thread of a process, read through its open `/proc` directory."""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from sysdig_py.capture.proc.encode import charbuf, pack_u64
from sysdig_py.capture.proc.reading import directory, link, numbers, read, read_or_empty
from sysdig_py.schema.events import flag_tables
from sysdig_py.schema.record import Flag, pack_record
from sysdig_py.schema.state import STATE_TYPES, State

ENV_LIMIT: Final = 4096
ARGS_LIMIT: Final = 32768
_STATUS_LIMIT: Final = 16384
_TICK_NS: Final = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
_NO_ID: Final = 0xFFFFFFFF
_UNLIMITED: Final = -1
_PADDING: Final = b"\0" * 4
_DELETED: Final = b" (deleted)"
_FDLIMIT: Final = re.compile(rb"^Max open files\s+(\d+|unlimited)", re.MULTILINE)
_STATUS: Final = re.compile(rb"^(PPid|Uid|Gid|NStgid|NSpid|NSpgid|VmSize|VmRSS|VmSwap):\s*(.*)$", re.MULTILINE)
_IDS: Final = tuple(struct.Struct(f"<{c}").pack for c in "qIQ")
_S64, _U32, _U64 = _IDS


class _Stat(NamedTuple):
    comm: bytes
    pgid: int
    sid: int
    tty: int
    minor_faults: int
    major_faults: int
    start_ts: int


class Process(NamedTuple):
    """What all threads of a process share."""

    pid: int
    cgroup_id: int
    cgroups: bytes
    exe: bytes
    exepath: bytes
    args: bytes
    cwd: bytes
    root: bytes
    env: bytes
    fdlimit: int
    loginuid: int


def read_process(process_fd: int, pid: int, cgroup_id: int, cgroups: bytes) -> Process:
    """Return what the threads of the process share; what may not be read, or a zombie has not, is empty."""
    command = read_or_empty("cmdline", process_fd, ARGS_LIMIT)
    exepath = link("exe", process_fd).removesuffix(_DELETED)
    exe, args = split_command(command)
    return Process(
        pid,
        cgroup_id,
        cgroups,
        exe or exepath,
        exepath,
        args,
        link("cwd", process_fd),
        link("root", process_fd),
        whole_strings(read_or_empty("environ", process_fd, ENV_LIMIT), ENV_LIMIT),
        _fdlimit(read_or_empty("limits", process_fd, _STATUS_LIMIT)),
        int(read_or_empty("loginuid", process_fd, 16) or _NO_ID),
    )


def thread_records(process_fd: int, process: Process, boot_ts: int) -> Iterator[bytes]:
    """Yield the records of all threads, the main one first; threads that end meanwhile are left out."""
    with directory("task", process_fd) as tasks:
        tids = numbers(tasks)
        for tid in sorted(tids, key=lambda tid: tid != process.pid):
            try:
                stat_text = read(f"{tid}/stat", tasks, _STATUS_LIMIT)
                status = dict(_STATUS.findall(read(f"{tid}/status", tasks, _STATUS_LIMIT)))
            except OSError:
                continue
            yield _record(tid, process, _parse_stat(stat_text, boot_ts), status)


def split_command(command: bytes) -> tuple[bytes, bytes]:
    """Return program name and NUL separated arguments; a rewritten title leaves a tail of NULs, which is cut."""
    if command.endswith(_PADDING):
        command = command.rstrip(b"\0")
    if command and not command.endswith(b"\0"):
        command += b"\0"
    exe, _, args = command.partition(b"\0")
    return exe, args


def whole_strings(text: bytes, limit: int) -> bytes:
    """Return NUL separated strings without the last one when `limit` cut it."""
    return text if len(text) < limit else text[: text.rfind(b"\0") + 1]


def cgroup_parameter(text: str, unified_controllers: tuple[str, ...]) -> bytes:
    """Return `/proc/PID/cgroup` as a cgroups parameter: `subsystem=path`, NUL separated.

    A process' v2 cgroup is told once for each controller that v2 has.
    """
    entries = []
    for line in text.splitlines():
        _, controllers, path = line.split(":", 2)
        names = controllers.split(",") if controllers else unified_controllers
        entries += [f"{name}={path}" for name in names]
    return b"".join(charbuf(os.fsencode(entry)) for entry in entries)


def _fdlimit(limits: bytes) -> int:
    match = _FDLIMIT.search(limits)
    return int(match[1]) if match and match[1] != b"unlimited" else _UNLIMITED


def _parse_stat(text: bytes, boot_ts: int) -> _Stat:
    """Take `/proc/PID/stat` apart; the name in parentheses may hold anything, parentheses too."""
    head, _, tail = text.rpartition(b")")
    words = tail.split()
    pgid, sid, tty, minor, major, ticks = (int(words[i]) for i in (2, 3, 4, 7, 9, 19))
    return _Stat(head.partition(b"(")[2], pgid, sid, tty, minor, major, boot_ts + ticks * _TICK_NS)


def _record(tid: int, process: Process, stat: _Stat, status: dict[bytes, bytes]) -> bytes:
    is_main = tid == process.pid
    vm_size, vm_rss, vm_swap = (int((status.get(key) or b"0").split()[0]) for key in (b"VmSize", b"VmRSS", b"VmSwap"))
    uid, gid = (int(status[key].split()[1]) for key in (b"Uid", b"Gid"))  # the effective ones
    vtid, vpid, vpgid = (
        int(status.get(key, str(own).encode()).split()[-1])
        for key, own in ((b"NSpid", tid), (b"NStgid", process.pid), (b"NSpgid", stat.pgid))
    )
    params = [
        *(_S64(n) for n in (tid, process.pid, int(status[b"PPid"]), stat.sid, vpgid, stat.pgid)),
        *(charbuf(text) for text in (stat.comm, process.exe, process.exepath)),
        process.args,
        charbuf(process.cwd if is_main else b""),
        charbuf(process.root),
        process.env if is_main else b"",
        process.cgroups,
        _S64(process.fdlimit),
        *(_U32(n) for n in (0 if is_main else _thread_flags(), uid, gid, process.loginuid, vm_size, vm_rss, vm_swap)),
        _U64(stat.major_faults),
        _U64(stat.minor_faults),
        _S64(vtid),
        _S64(vpid),
        _U32(stat.tty & _NO_ID),
        _U64(stat.start_ts),
        *_program(process.pid, status),
    ]
    cgroup = process.cgroup_id
    return pack_record(State.THREAD, params, tid=tid, pid=process.pid, cgroup_id=cgroup, flags=Flag.STATE_ONLY)


def _program(pid: int, status: dict[bytes, bytes]) -> list[bytes]:
    """Return the last parameters: rights, and the file of the program; what /proc does not tell is empty."""
    rights = [_U64(int(status[key], 16)) if key in status else b"" for key in (b"CapInh", b"CapPrm", b"CapEff")]
    try:
        file = os.stat(f"/proc/{pid}/exe")  # noqa: PTH116 - thousands of them
    except OSError:  # a thread of the kernel has none
        return [b"", b"", *rights, b"", b"", b""]
    return [b"", b"", *rights, *(_U64(number) for number in (file.st_ino, file.st_ctime_ns, file.st_mtime_ns))]


def idle_thread() -> bytes:
    """Return the THREAD record of the kernel's idle task, which /proc does not show and switches do."""
    name = charbuf(b"swapper")
    known = {"tid": pack_u64(0), "pid": pack_u64(0), "ptid": pack_u64(0), "comm": name, "exe": name}
    thread = next(kind for kind in STATE_TYPES if kind.code == State.THREAD)
    return pack_record(State.THREAD, [known.get(param.name, b"") for param in thread.params], flags=Flag.STATE_ONLY)


def _thread_flags() -> int:
    values = dict(flag_tables()["clone_flags"])
    return values["CLONE_THREAD"] | values["CLONE_FILES"]
