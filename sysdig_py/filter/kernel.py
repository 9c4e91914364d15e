"""What the kernel can judge of a filter: the second thing a filter is compiled into.

A filter becomes, for one event type at a time, a formula over facts that the kernel has at the exit
of a call. The formula may be true more often than the filter is, never less often: what the kernel
cannot know counts as true (`Mode.MAY`), whatever negations stand around it. With `Mode.MUST` it is
the other way round: what is not known counts as false, so that a true formula is certain.

Negations are moved down to the single tests, so that "not known" can be settled there.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from sysdig_py.filter import CompiledFilter, nodes, source_of
from sysdig_py.filter.kernel_comparison import Comparison, comparison_of
from sysdig_py.filter.kernel_facts import Fact, Subject, Unknown, fact_of, fold
from sysdig_py.filter.semantics import FieldValue, TypedCheck, typed

__all__ = ["Comparison", "Formula", "Group", "Judge", "Mode", "Subject", "all_of", "any_of", "comparisons_of"]

MAX_CONTAINER_CHECKS: Final = 64
# fields of which every check has one answer per container
_OF_CONTAINER: Final = ("container.", "k8s.")


class Mode(enum.Enum):
    """What a test counts as whose fact is not known."""

    MAY = True
    MUST = False


@dataclass(frozen=True, slots=True)
class Group:
    """Formulas joined: all of them have to hold, or any."""

    is_all: bool
    items: tuple[Formula, ...]


Formula = bool | Comparison | Group


def all_of(items: Sequence[Formula]) -> Formula:
    """Return the formula that holds when all of `items` do."""
    return _join(items, is_all=True)


def any_of(items: Sequence[Formula]) -> Formula:
    """Return the formula that holds when any of `items` does."""
    return _join(items, is_all=False)


def _join(items: Sequence[Formula], *, is_all: bool) -> Formula:
    kept: dict[Formula, None] = {}
    for item in items:
        inner = item.items if isinstance(item, Group) and item.is_all is is_all else (item,)
        if (not is_all) in inner:
            return not is_all
        kept |= {one: None for one in inner if not isinstance(one, bool)}
    if not kept:
        return is_all
    return next(iter(kept)) if len(kept) == 1 else Group(is_all, tuple(kept))


def comparisons_of(formula: Formula) -> list[Comparison]:
    """Return every test in a formula."""
    if isinstance(formula, bool):
        return []
    return (
        [formula]
        if isinstance(formula, Comparison)
        else [test for item in formula.items for test in comparisons_of(item)]
    )


@dataclass(slots=True)
class _Meaning:
    """What is worked out once per check: `settled` whatever the event, `compared` by the fact it asks for.

    The node is kept so that its identity, by which this is found, stays its own.
    """

    node: nodes.Check
    check: TypedCheck
    settled: Comparison | Unknown | None
    compared: dict[Fact, Comparison | bool | Unknown] = field(default_factory=dict)


@dataclass(slots=True)
class Judge:
    """Turns filters into formulas.

    A check about nothing but the container has one answer per cgroup: it becomes a test of a bit, and
    the engine, which has the answer, keeps the bits.

    Attributes:
        container_checks: Lua source of such checks, by number of the bit.
    """

    container_checks: list[str] = field(default_factory=list)
    _meanings: dict[int, _Meaning] = field(default_factory=dict)

    def formula(self, compiled: CompiledFilter, subject: Subject, mode: Mode = Mode.MAY) -> Formula:
        """Return what is left of a filter for the events of one type."""
        return self.node(compiled.ast, compiled.text, subject, mode)

    def node(self, node: nodes.Node, text: str, subject: Subject, mode: Mode, *, negated: bool = False) -> Formula:
        """Return what is left of a part of the filter `text`."""
        if isinstance(node, nodes.Not):
            return self.node(node.item, text, subject, mode, negated=not negated)
        if isinstance(node, nodes.Check):
            return self._check(node, text, subject, mode, negated=negated)
        join = all_of if isinstance(node, nodes.And) is not negated else any_of
        return join([self.node(item, text, subject, mode, negated=negated) for item in node.items])

    def why_not(self, node: nodes.Check, text: str, subject: Subject) -> str:
        """Return why the kernel cannot judge a check about such events; "" when it can."""
        found = self._known(node, text, subject)
        return found.why if isinstance(found, Unknown) else ""

    def _check(self, node: nodes.Check, text: str, subject: Subject, mode: Mode, *, negated: bool) -> Formula:
        found = self._known(node, text, subject)
        if isinstance(found, Unknown):
            return mode.value
        if isinstance(found, bool):
            return found is not negated
        return found.opposite() if negated else found

    def _known(self, node: nodes.Check, text: str, subject: Subject) -> bool | Comparison | Unknown:
        meaning = self._meanings.get(id(node))
        if meaning is None:
            meaning = self._meanings[id(node)] = self._meaning(node, text)
        if meaning.settled is not None:
            return meaning.settled
        check = meaning.check
        assert isinstance(check.left, FieldValue)
        value = fact_of(check.left.name, subject)
        if isinstance(value, Unknown):
            return value
        if not isinstance(value, Fact):
            return fold(check, value)
        if value not in meaning.compared:
            meaning.compared[value] = comparison_of(value, check)
        return meaning.compared[value]

    def _meaning(self, node: nodes.Check, text: str) -> _Meaning:
        check = typed(node, text)
        settled: Comparison | Unknown | None = None
        if not isinstance(check.left, FieldValue):
            settled = Unknown(f"only the engine computes {node.left.name}()")
        elif any(not isinstance(item, nodes.Literal) for item in node.right):
            settled = Unknown("it compares two fields")
        elif check.left.name.startswith(_OF_CONTAINER):
            settled = self._container(node, text)
        return _Meaning(node, check, settled)

    def _container(self, node: nodes.Check, text: str) -> Comparison | Unknown:
        source = source_of(node, text)
        if source not in self.container_checks:
            if len(self.container_checks) == MAX_CONTAINER_CHECKS:
                return Unknown(f"there are more than {MAX_CONTAINER_CHECKS} questions about containers")
            self.container_checks.append(source)
        return Comparison(Fact.CONTAINER, "=", (self.container_checks.index(source),))
