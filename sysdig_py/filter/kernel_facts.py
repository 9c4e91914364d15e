"""What the kernel knows at the exit of a call, field by field.

A field is either settled by the event's type alone (a plain value, None for "has no value"), or it is
a `Fact` that the probe has at run time, or the kernel does not know it (`Unknown`, with the reason).
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sysdig_py.filter.automaton import ANYTHING, Automaton, Cat, build, fold_case, literal
from sysdig_py.filter.glob import glob
from sysdig_py.filter.regex import regex
from sysdig_py.filter.semantics import TypedCheck
from sysdig_py.schema.events import EC_SYSCALL, EF_READS, EF_WAITS, EF_WRITES


class Fact(enum.Enum):
    """A value the probe has; the text says in listings what it is."""

    PID = "process id"
    TID = "thread id"
    NAME = "name of the thread"
    UID = "effective user id"
    CPU = "CPU number"
    RESULT = "return value"
    OUTCOME = "error number"  # 0 for success
    LENGTH = "bytes moved"  # the return value unless it is an error
    LATENCY = "time inside the call"
    FD = "fd number"
    CONTAINER = "cgroup"
    KIND = "kind of the open file"
    FAMILY = "family of the socket"
    PORT = "ports of the connection"
    ADDRESS = "addresses of the connection"


@dataclass(frozen=True, slots=True)
class Unknown:
    """The kernel cannot tell, and why."""

    why: str


@dataclass(frozen=True, slots=True)
class Subject:
    """What is known of an event by its type.

    Attributes:
        name: what evt.type shows.
        code: the event type's code.
        category: its category bits.
        flags: its flag bits.
        has_result: whether it has a return value, which then is the call's; None: it is not the call's.
        fd: index of the call's argument that is the event's fd; None: it has none; -1: not one of the arguments.
        feeds_state: whether the engine learns from it, so that it arrives in any case.
    """

    name: str
    code: int
    category: int
    flags: int
    has_result: bool | None = True
    fd: int | None = None
    feeds_state: bool = False


Known = Fact | Unknown | str | int | bool | None

_PLAIN: Final = {
    "proc.pid": Fact.PID,
    "thread.tid": Fact.TID,
    "proc.name": Fact.NAME,
    "user.uid": Fact.UID,
    "evt.cpu": Fact.CPU,
}
_CATEGORIES: Final = ("unknown", "other", "file", "net", "IPC", "memory", "process", "sleep", "system", "signal")
_CATEGORIES_ON: Final = ("user", "time", "processing")
_BASE: Final = 255


def _syscall_name(subject: Subject) -> Known:
    return subject.name if subject.category & EC_SYSCALL else None


def _category(subject: Subject) -> Known:
    names = _CATEGORIES + _CATEGORIES_ON
    base = subject.category & _BASE
    if subject.code > 1 and base < len(names):
        return names[base]
    return Unknown("the category of this event depends on what its fd is")


def _io_direction(subject: Subject) -> Known:
    if subject.flags & EF_READS:
        return "read"
    return "write" if subject.flags & EF_WRITES else None


def _of_result(fact: Fact, without: Known) -> Callable[[Subject], Known]:
    def known(subject: Subject) -> Known:
        if subject.has_result is None:
            return Unknown("the event's result is not the one of the call")
        return fact if subject.has_result else without

    return known


def _moved(bits: int) -> Callable[[Subject], Known]:
    length = _of_result(Fact.LENGTH, None)

    def known(subject: Subject) -> Known:
        if not subject.flags & bits or subject.fd is None:
            return None
        return length(subject)

    return known


def _of_file(fact: Fact) -> Callable[[Subject], Known]:
    def known(subject: Subject) -> Known:
        if subject.feeds_state or subject.fd == -1:
            return Unknown("the fd of this event is known once its effect is")
        return None if subject.fd is None else fact

    return known


_BY_TYPE: Final[dict[str, Callable[[Subject], Known]]] = {
    "evt.type": lambda subject: subject.name,
    "syscall.type": _syscall_name,
    "evt.dir": lambda _: "<",
    "evt.category": _category,
    "evt.is_io": lambda subject: subject.flags & (EF_READS | EF_WRITES) != 0,
    "evt.is_io_read": lambda subject: subject.flags & EF_READS != 0,
    "evt.is_io_write": lambda subject: subject.flags & EF_WRITES != 0,
    "evt.is_wait": lambda subject: subject.flags & EF_WAITS != 0,
    "evt.io_dir": _io_direction,
    "evt.rawres": _of_result(Fact.RESULT, None),
    "evt.res": _of_result(Fact.OUTCOME, None),
    "evt.failed": _of_result(Fact.OUTCOME, False),
    "evt.buflen": _moved(EF_READS | EF_WRITES),
    "evt.buflen.in": _moved(EF_READS),
    "evt.buflen.out": _moved(EF_WRITES),
    "evt.latency": lambda _: Fact.LATENCY,
    "fd.num": _of_file(Fact.FD),
    "fd.type": _of_file(Fact.KIND),
    "fd.sockfamily": _of_file(Fact.FAMILY),
    **dict.fromkeys(("fd.port", "fd.sport", "fd.cport", "fd.lport", "fd.rport"), _of_file(Fact.PORT)),
    **{f"fd.{side}{word}": _of_file(Fact.ADDRESS) for side in ("", "s", "c", "l", "r") for word in ("ip", "net")},
}
_TYPE_IS: Final = "evt.type.is"


def fact_of(name: str, subject: Subject) -> Known:
    """Return what the kernel knows of a field at an event."""
    if name in _PLAIN:
        return _PLAIN[name]
    if name in _BY_TYPE:
        return _BY_TYPE[name](subject)
    if name.startswith(_TYPE_IS):
        argument = name[len(_TYPE_IS) :].strip(".[]")
        return int(subject.code == int(argument) if argument.isdigit() else subject.name == argument)
    return Unknown(f"the kernel does not know {name}")


def fold(check: TypedCheck, value: str | int | bool | None) -> bool | Unknown:
    """Return whether a check holds for a value that is settled; None is no value."""
    if value is None:
        return False
    if check.op == "exists":
        return True
    if check.op == "pmatch":
        return Unknown("it compares paths")
    one = value.encode() if isinstance(value, str) else value
    hits = [_holds(check.op, one, item) for item in check.right]
    if not check.modifier:
        return any(hits)
    return {"anyof": any(hits), "allof": bool(hits) and all(hits), "oneof": hits.count(True) == 1}[check.modifier]


_ORDER: Final[dict[str, Callable[[object, object], bool]]] = {
    "<": lambda a, b: a < b,  # type: ignore[operator]
    "<=": lambda a, b: a <= b,  # type: ignore[operator]
    ">": lambda a, b: a > b,  # type: ignore[operator]
    ">=": lambda a, b: a >= b,  # type: ignore[operator]
}
_SEARCHES: Final[dict[str, Callable[[bytes, bytes], bool]]] = {
    "contains": lambda value, part: part in value,
    "bcontains": lambda value, part: part in value,
    "startswith": bytes.startswith,
    "bstartswith": bytes.startswith,
    "endswith": bytes.endswith,
}


def _holds(op: str, value: object, constant: object) -> bool:
    if op in ("=", "in", "intersects"):
        return value == constant
    if op == "!=":
        return value != constant
    if op in _ORDER:
        return _ORDER[op](value, constant)
    if not isinstance(value, bytes) or not isinstance(constant, bytes):
        return False
    return _SEARCHES[op](value, constant) if op in _SEARCHES else _pattern(op, constant).matches(value)


def _pattern(op: str, text: bytes) -> Automaton:
    if op == "regex":
        return build(regex(text.decode("utf-8", "surrogateescape")))
    if op == "icontains":
        return build(Cat((ANYTHING, fold_case(literal(text)), ANYTHING)))
    return build(fold_case(glob(text)) if op == "iglob" else glob(text))
