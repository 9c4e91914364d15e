"""Which calls of 32-bit programs are told by name with their parameters: those that mean the same in a 64-bit one.

That is: numbers, flags, paths, buffers with a length, addresses of sockets. Not: what is spread over several
registers, arrays of buffers, message headers, times and other structures with `long` in them. Of such calls the name
is told, as of calls without an event of their own.
"""

from __future__ import annotations

import struct
from typing import Final

from sysdig_py.capture.handlers import SPECIAL, STEPPED, Handler, Transfer
from sysdig_py.capture.plans import PLAN_COUNT, Op, steps
from sysdig_py.schema.events import EventType, compat_calls, events, syscall_names, syscalls

UNTRANSLATED: Final = 0xFFFF
_PACKED: Final = struct.Struct("<HH")
_PLAIN_OPS: Final = frozenset(
    {Op.RET, Op.INT, Op.FD, Op.MASKED, Op.TEXT, Op.RESULT_TEXT, Op.MEMORY, Op.CAPABILITY, Op.EMPTY, Op.DATA, Op.SIZE}
    | {Op.TUPLE, Op.ADDRESS, Op.QUEUE, Op.FD_INO, Op.USER_FD}
)
_PLAIN_HANDLERS: Final = frozenset(
    {Handler.CLOSE, Handler.OPEN, Handler.SOCKETPAIR, Handler.OPTION, Handler.POLL, Handler.RARE}
)
_PLAIN_TRANSFERS: Final = frozenset({Transfer.FLAT, Transfer.ADDRESS, Transfer.ACCEPT})
# the same name, and yet something else: arguments in a structure, ids of 16 bits in memory, times
_ANOTHER: Final = frozenset({"mmap", "select", "getresuid", "getresgid", "ppoll", "pselect6", "setgroups", "getgroups"})
# another name for the same, since ids and file sizes grew
_SAME: Final = {"fcntl64": "fcntl", "chown32": "chown", "lchown32": "lchown", "fchown32": "fchown"} | {
    f"{call}32": call
    for call in ("getuid", "getgid", "geteuid", "getegid", "setreuid", "setregid", "setresuid", "setresgid")
    + ("getresuid", "getresgid", "setuid", "setgid")
}


def is_plain(event: EventType) -> bool:
    """Tell whether the parameters of an event are made of arguments that mean the same in a 32-bit program."""
    handler, detail = SPECIAL.get(event.id, (Handler.PARAMS, 0))
    if handler in (Handler.READ, Handler.WRITE):
        return detail == 0
    if handler is Handler.TRANSFER and detail & Transfer.KIND not in _PLAIN_TRANSFERS:
        return False
    if handler in STEPPED:
        return all(step.op in _PLAIN_OPS or (step.op is Op.USER and step.size <= 4) for step in steps(event))
    return handler in _PLAIN_HANDLERS


def translated(arch: str) -> dict[int, int]:
    """Return the 64-bit number of every 32-bit call that is told like that one."""
    natives = {call.name: call for call in syscalls(arch)}
    table = events()
    found = {}
    for nr, name in compat_calls(arch).items():
        native = natives.get(_SAME.get(name, name))
        if native is not None and name not in _ANOTHER and is_plain(table[native.exit_code]):
            found[nr] = native.nr
    return found


def packed(arch: str) -> dict[int, bytes]:
    """Return the map's values by 32-bit number."""
    names = {name: number for number, name in enumerate(syscall_names()) if name}
    natives = translated(arch)
    called = compat_calls(arch)
    return {
        nr: _PACKED.pack(natives.get(nr, UNTRANSLATED), names.get(called.get(nr, ""), 0)) for nr in range(PLAN_COUNT)
    }
