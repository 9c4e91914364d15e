"""Events that are captured only when something asks for them, because they cost every program on the machine.

They are asked for by a filter (the user's or a chisel's) that names their type, by a field that is about
them, or by the option --events.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from sysdig_py.errors import UsageError
from sysdig_py.filter.mentions import event_types


class Extra(NamedTuple):
    """One such event type: the raw tracepoints that make it (none: it is sampled), and the fields that need it."""

    tracepoints: tuple[str, ...]
    fields: frozenset[str]
    meaning: str


EXTRAS: Final[dict[str, Extra]] = {
    "switch": Extra(
        ("sched_switch",), frozenset({"thread.exectime", "thread.totexectime"}), "switches from one thread to another"
    ),
    "page_fault": Extra(("page_fault_user", "page_fault_kernel"), frozenset(), "page faults"),
    "procinfo": Extra(
        (),
        frozenset({"thread.cpu", "thread.cpu.user", "thread.cpu.system"}),
        "samples of each thread's CPU time, one a second",
    ),
}
TRACEPOINTS: Final = tuple(name for extra in EXTRAS.values() for name in extra.tracepoints)


def wanted(filters: Iterable[str], fields: Iterable[str]) -> frozenset[str]:
    """Return the extras that filters name and fields need.

    Raises:
        FilterError: a filter does not parse.
    """
    named = {name for text in filters if text for name in event_types(text)}
    used = frozenset(fields)
    return frozenset(name for name, extra in EXTRAS.items() if name in named or extra.fields & used)


def parse(text: str) -> frozenset[str]:
    """Return the extras of a comma separated list.

    Raises:
        UsageError: one of them is none.
    """
    names = frozenset(name.strip() for name in text.split(",") if name.strip())
    unknown = sorted(names - set(EXTRAS))
    if unknown or not names:
        known = ", ".join(EXTRAS)
        raise UsageError(f"--events takes a list of {known}; all other events are captured always, not '{text}'")
    return names
