"""What of a run's filters the kernel judges, and what becomes of each system call."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sysdig_py.capture.demand import Consumer, Demand
from sysdig_py.capture.plans import reported
from sysdig_py.capture.pushdown import push_down, subject_of
from sysdig_py.capture.treatment import Verdict
from sysdig_py.filter import nodes
from sysdig_py.filter.kernel import Judge, Mode, Subject, comparisons_of
from sysdig_py.filter.spelling import spell
from sysdig_py.schema.events import syscalls


@dataclass(frozen=True, slots=True)
class Part:
    """One of the conditions that all have to hold.

    Attributes:
        text: the condition.
        place: "kernel" judges it, "engine" does, or "both": the kernel leaves out what it can.
        why: by what the kernel judges, and why the engine has to.
    """

    text: str
    place: str
    why: str


def parts(consumer: Consumer, arch: str) -> list[Part]:
    """Return where each condition of a filter is judged."""
    ast = consumer.compiled.ast
    items = ast.items if isinstance(ast, nodes.And) else (ast,)
    subjects = list({subject_of(*what): None for what in reported(arch).values()})
    return [_part(item, consumer.compiled.text, subjects) for item in items]


def _part(item: nodes.Node, text: str, subjects: list[Subject]) -> Part:
    judge, exact, helps = Judge(), True, False
    facts: dict[str, None] = {}
    for subject in subjects:
        may = judge.node(item, text, subject, Mode.MAY)
        exact = exact and may == judge.node(item, text, subject, Mode.MUST)
        helps = helps or may is not True
        facts |= dict.fromkeys(test.fact.value for test in comparisons_of(may))
    by = ", ".join(facts) or "type of the event"
    if exact:
        return Part(spell(item), "kernel", by)
    reasons = dict.fromkeys(
        why for check in _checks(item) for subject in subjects if (why := _why(check, text, subject))
    )
    why = "; ".join(reasons)
    return Part(spell(item), "both", f"{by}; {why}") if helps else Part(spell(item), "engine", why)


def _why(check: nodes.Check, text: str, subject: Subject) -> str:
    return Judge().why_not(check, text, subject)


def _checks(node: nodes.Node) -> Iterator[nodes.Check]:
    if isinstance(node, nodes.Check):
        yield node
        return
    for item in (node.item,) if isinstance(node, nodes.Not) else node.items:
        yield from _checks(item)


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of system calls."""

    meaning: str
    calls: tuple[str, ...]


_MEANINGS = {
    Verdict.DROP: "left out, before anything else is done",
    Verdict.JUDGE: "left out unless the conditions above hold; what feeds state arrives marked",
    Verdict.STATE_ONLY: "feed the tables of processes and files, and are shown to nobody",
    Verdict.KEEP: "delivered",
}


def fates(demand: Demand, arch: str) -> list[Fate]:
    """Return what becomes of every system call that this architecture has."""
    treatments = push_down(demand, arch).treatments
    found: dict[Verdict, list[str]] = {verdict: [] for verdict in _MEANINGS}
    for call in syscalls(arch):
        verdict = treatments[call.nr].verdict if call.nr in treatments else Verdict.KEEP
        found[verdict].append(call.name)
    return [Fate(_MEANINGS[verdict], tuple(sorted(names))) for verdict, names in found.items() if names]
