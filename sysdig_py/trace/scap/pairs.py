"""Exit events of the current schema -> the enter and exit events that sysdig 0.29.3 reads, as a table for the encoder.

A parameter of the older table is the one of the same name of the current exit event, wherever that has it. Calls that
the older table does not know by themselves become the older form of the same call (`dup3` -> `dup`), or the generic
event, which keeps their name.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from sysdig_py.schema.events import Param, events, load_data, syscalls

EVENT_MAX: Final = 336
# The last system call id that 0.29.3 has a name for; larger ones make it end with a segmentation fault.
LAST_SYSCALL_ID: Final = 328
_GENERIC_EXIT: Final = 1
_AT_FDCWD: Final = -100

# exit code of the current schema -> exit code of the same call in the older one
_OLDER: Final = {
    "SYSCALL_DUP_1_X": "SYSCALL_DUP_X",
    "SYSCALL_DUP2_X": "SYSCALL_DUP_X",
    "SYSCALL_DUP3_X": "SYSCALL_DUP_X",
    "SYSCALL_PIPE2_X": "SYSCALL_PIPE_X",
    "SYSCALL_EVENTFD2_X": "SYSCALL_EVENTFD_X",
    "SYSCALL_SIGNALFD4_X": "SYSCALL_SIGNALFD_X",
    "SYSCALL_INOTIFY_INIT1_X": "SYSCALL_INOTIFY_INIT_X",
    "SOCKET_ACCEPT4_6_X": "SOCKET_ACCEPT4_5_X",
}
# (id of an older event, parameter) -> names of the current parameter where they are not the same
_RENAMED: Final = {
    ("SYSCALL_EXECVE_19_X", "pgid"): ("vpgid",),
    ("SYSCALL_EXECVEAT_X", "pgid"): ("vpgid",),
    ("SYSCALL_EXECVE_19_E", "filename"): ("filename", "trusted_exepath"),
    ("SYSCALL_EXECVEAT_E", "pathname"): ("trusted_exepath",),
    ("SYSCALL_EXECVEAT_E", "flags"): (),
    ("SYSCALL_DUP_E", "fd"): ("oldfd",),
}
_DEFAULTS: Final = {("SYSCALL_EXECVEAT_E", "dirfd"): _AT_FDCWD}
# Where a child reports its own birth: it entered no call, and an enter event would make up a thread.
_BIRTHS: Final = frozenset({"SYSCALL_CLONE_20_X", "SYSCALL_FORK_20_X", "SYSCALL_VFORK_20_X", "SYSCALL_CLONE3_X"})

_SIZES: Final = {
    **dict.fromkeys(("int8", "uint8", "flags8", "enumflags8", "sigtype"), 1),
    **dict.fromkeys(("int16", "uint16", "flags16", "enumflags16", "syscallid", "port"), 2),
    **dict.fromkeys(("int32", "uint32", "flags32", "enumflags32", "uid", "gid", "mode", "sigset", "bool"), 4),
    **dict.fromkeys(("int64", "uint64", "errno", "fd", "pid", "reltime", "abstime"), 8),
}
_TEXTS: Final = frozenset({"charbuf", "fspath", "fsrelpath"})


@dataclass(frozen=True, slots=True)
class Value:
    """Where one parameter of an older event comes from.

    Attributes:
        sources: positions of parameters of the current event (0-based), the first that is present counts.
        size: bytes of an integer, 0 for what has no fixed size.
        default: bytes of the value where no source is present.
    """

    sources: tuple[int, ...]
    size: int
    default: bytes


@dataclass(frozen=True, slots=True)
class Half:
    """One event of the older schema: its code and where its parameters come from."""

    code: int
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """What one event becomes. `enter` is None for events that stand alone; `birth`: not when the result is 0."""

    exit: Half
    enter: Half | None
    birth: bool = False


@cache
def pairs() -> dict[int, Pair]:
    """Return code of the current schema -> what it becomes, for all codes that exist."""
    older = _older_events()
    by_id = {row["id"]: code for code, row in older.items()}
    made = {}
    for event in events():
        if event.name.startswith("NA"):
            continue
        code = by_id[_OLDER[event.id]] if event.id in _OLDER else event.code
        if code < EVENT_MAX:
            made[event.code] = _pair(older, code, event.params, event.id in _BIRTHS)
        elif event.is_exit:
            made[event.code] = _generic(event.code)
    return made


def _pair(older: dict[int, dict[str, Any]], code: int, params: tuple[Param, ...], birth: bool) -> Pair:
    enter = older.get(code - 1) if code % 2 else None
    is_call = enter is not None and not enter["name"].startswith("NA")
    return Pair(_half(older[code], params), _half(enter, params) if enter and is_call else None, birth)


def _older_events() -> dict[int, dict[str, Any]]:
    current = {row["code"]: row for row in load_data("events") if row["code"] < EVENT_MAX}
    return current | {row["code"]: row for row in load_data("events_0293")["events"]}


def _half(row: dict[str, Any], params: tuple[Param, ...]) -> Half:
    position = {param.name: i for i, param in reversed(list(enumerate(params)))}
    return Half(row["code"], tuple(_value(row["id"], param, position) for param in row["params"]))


def _value(event_id: str, param: dict[str, Any], position: dict[str, int]) -> Value:
    name, kind = param["name"], param["type"]
    names = _RENAMED.get((event_id, name), (name,))
    size = _SIZES.get(kind, 0)
    number = _DEFAULTS.get((event_id, name), -1 if kind == "fd" else 0)
    default = number.to_bytes(size, "little", signed=True) if size else b"\0" if kind in _TEXTS else b""
    return Value(tuple(position[n] for n in names if n in position), size, default)


def _generic(code: int) -> Pair:
    number, native = _syscall_ids().get(code, (0, 0))
    known = number if number <= LAST_SYSCALL_ID else 0
    call = Value((), 2, known.to_bytes(2, "little"))
    return Pair(
        Half(_GENERIC_EXIT, (call,)), Half(_GENERIC_EXIT - 1, (call, Value((), 2, native.to_bytes(2, "little"))))
    )


@cache
def _syscall_ids() -> dict[int, tuple[int, int]]:
    """Return exit code -> schema number and native number of the call."""
    return {call.exit_code: (call.ppm_sc, call.nr) for call in syscalls("x86_64")}
