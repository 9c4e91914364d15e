"""How much of the data is kept, by rules: `FILTER=N` keeps N bytes where the filter holds, the first that does counts.

The kernel decides while it copies, so it has to be able to judge every condition. It knows of a socket
both ends, but not which end called: in a rule `fd.sport` and `fd.cport` mean either of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sysdig_py import filter as event_filter
from sysdig_py.errors import FilterError, UsageError
from sysdig_py.filter import CompiledFilter, nodes
from sysdig_py.filter.kernel import Formula, Group, Judge, Mode, Subject, all_of, any_of
from sysdig_py.filter.kernel_comparison import Comparison
from sysdig_py.filter.spelling import spell
from sysdig_py.schema.events import EF_READS, EF_WRITES, EventType

MAX_LENGTH: Final = 0xFFFF
# an event with data as far as rules go: whatever is known of any of them is known of this one
_TYPICAL: Final = Subject("read", 0, 0, EF_READS | EF_WRITES, has_result=True, fd=0)


@dataclass(frozen=True, slots=True)
class SnaplenRule:
    """One rule: `length` bytes are kept where `filter` holds."""

    filter: CompiledFilter
    length: int


def parse(text: str) -> SnaplenRule:
    """Return the rule that `FILTER=N` spells.

    Raises:
        UsageError: it is none, or the kernel cannot judge it; says which condition.
    """
    condition, _, number = text.rpartition("=")
    if not condition or not number.isascii() or not number.isdigit() or int(number) > MAX_LENGTH:
        raise UsageError(f"snaplen rule '{text}': write FILTER=N, with N bytes from 0 to {MAX_LENGTH}")
    try:
        compiled = event_filter.compile(condition)
    except FilterError as error:
        raise UsageError(f"snaplen rule '{text}': {error}") from error
    for check in _checks(compiled.ast):
        why = Judge().why_not(check, condition, _TYPICAL)
        if why:
            raise UsageError(f"snaplen rule '{text}': the kernel cannot judge {spell(check)}: {why}")
    return SnaplenRule(compiled, int(number))


def _checks(node: nodes.Node) -> Iterator[nodes.Check]:
    if isinstance(node, nodes.Check):
        yield node
        return
    for item in (node.item,) if isinstance(node, nodes.Not) else node.items:
        yield from _checks(item)


def has_data(event: EventType) -> bool:
    """Whether an event carries data that rules are about."""
    return any(param.name == "data" and param.type == "bytebuf" for param in event.params)


def resolve(rules: Sequence[SnaplenRule], judge: Judge, subject: Subject) -> tuple[tuple[Formula, int], ...]:
    """Return what is left of the rules for the events of one type, without those that never count."""
    made: list[tuple[Formula, int]] = []
    known = replace(subject, feeds_state=False)
    for rule in rules:
        formula = _as_the_kernel_sees(judge.formula(rule.filter, known, Mode.MUST))
        if formula is not False:
            made.append((formula, rule.length))
        if formula is True:
            break
    return tuple(made)


def _as_the_kernel_sees(formula: Formula) -> Formula:
    """Return a formula that takes ends of sockets and types of files as the kernel has them."""
    if isinstance(formula, Group):
        return (all_of if formula.is_all else any_of)([_as_the_kernel_sees(item) for item in formula.items])
    if isinstance(formula, Comparison):
        return replace(formula, side="" if formula.side == "cs" else formula.side, sure=False)
    return formula
