"""The filters of a run, as far as the kernel judges them.

For every system call: what is left of the filters once the event's type is known. Nothing left: the
call is kept or left out by its number alone. Else calls with the same question form a group, and the
question becomes instructions. Only what is certainly not wanted is left out; the engine asks the
filters again about the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from sysdig_py.capture import judge_code
from sysdig_py.capture.demand import Demand
from sysdig_py.capture.image import Constant
from sysdig_py.capture.judge_code import Rules
from sysdig_py.capture.plans import NO_FD, fd_argument, reported
from sysdig_py.capture.snaplen_rules import SnaplenRule, has_data, resolve
from sysdig_py.capture.treatment import Treatment, Verdict
from sysdig_py.filter.kernel import Formula, Judge, Mode, Subject, all_of, any_of, comparisons_of
from sysdig_py.schema.events import EventType, syscall_names

MAX_GROUPS: Final = 255
# about a thousand tests still load within a fraction of a second
MAX_TESTS: Final = 1024
# of several messages each record has its own result
_OTHER_RESULTS: Final = ("SOCKET_SENDMMSG_X", "SOCKET_RECVMMSG_X")
_WIDE_RESULTS: Final = ("errno", "fd", "pid", "int64")
_GENERIC: Final = 1


@dataclass(frozen=True)
class Pushdown:
    """What the probe needs to know of the filters.

    Attributes:
        treatments: by number of the system call; what is not in it is kept.
        groups: the question of each group.
        container_checks: Lua source of the questions about containers, by bit of the answers.
        why: why nothing is judged, "" when something may be.
        rules: the snaplen rules, resolved, of each group of calls that have the same.
        snaplen: what counts where no rule holds.
        latency: whether anybody asks how long calls take.
    """

    treatments: Mapping[int, Treatment] = field(default_factory=dict)
    groups: Sequence[Formula] = ()
    container_checks: Sequence[str] = ()
    why: str = ""
    rules: Sequence[Rules] = ()
    snaplen: int = 0
    latency: bool = True

    def shows(self, nr: int) -> bool:
        """Return whether anybody can see events of a call, by its number."""
        treatment = self.treatments.get(nr, Treatment())
        return treatment.verdict in (Verdict.KEEP, Verdict.JUDGE)

    @property
    def constants(self) -> dict[Constant, int]:
        """What is filled in when the probe is loaded."""
        verdicts = {treatment.verdict for treatment in self.treatments.values()}
        return {
            Constant.JUDGE_DROPS: int(Verdict.DROP in verdicts),
            Constant.JUDGE_FILTERS: int(verdicts - {Verdict.KEEP} != set()),
            Constant.JUDGE_NEEDS: needs_of([*self.groups, *(formula for rules in self.rules for formula, _ in rules)]),
            Constant.JUDGE_RULES: int(bool(self.rules)),
        }

    @property
    def hooks(self) -> dict[int, bytes]:
        """The instructions of the questions."""
        return {
            judge_code.HOOK_FILTER: judge_code.decide(self.groups, Mode.MAY) if self.groups else judge_code.always(1),
            judge_code.HOOK_SNAPLEN: judge_code.choose(self.rules, self.snaplen)
            if self.rules
            else judge_code.always(0),
        }


def needs_of(formulas: Sequence[Formula]) -> int:
    """Return which facts have to be gathered, as bits."""
    needed = {judge_code.NEEDS.get(test.fact, 0) for formula in formulas for test in comparisons_of(formula)}
    return sum(needed)


def push_down(demand: Demand, arch: str, rules: Sequence[SnaplenRule] = (), snaplen: int = 0) -> Pushdown:
    """Return what the kernel can judge of what a run wants, and of its snaplen rules.

    Args:
        demand: the events that are wanted.
        arch: whose system calls.
        rules: in their order; `snaplen` counts where none holds.
        snaplen: bytes kept of data.
    """
    judge = Judge()
    found = _judged(demand, judge, arch)
    lengths: dict[Rules, int] = {}
    treatments = {}
    for nr, (event, ppm_sc) in reported(arch).items():
        resolved = resolve(rules, judge, subject_of(event, ppm_sc)) if has_data(event) else ()
        number = lengths.setdefault(resolved, len(lengths) + 1) if resolved else 0
        treatments[nr] = replace(found.treatments.get(nr, Treatment()), rules=number)
    checks = tuple(judge.container_checks)
    made = replace(found, treatments=treatments, container_checks=checks, rules=tuple(lengths), snaplen=snaplen)
    return replace(made, latency=bool(demand.latency))


def _judged(demand: Demand, judge: Judge, arch: str) -> Pushdown:
    """Return what the filters make of every call."""
    if demand.remembers:
        return Pushdown(why=f"{demand.remembers} remembers earlier events, so it has to see all of them")
    groups: dict[Formula, int] = {}
    treatments = {}
    for nr, (event, ppm_sc) in reported(arch).items():
        formula = question(demand, judge, subject_of(event, ppm_sc))
        treatments[nr] = _treatment(formula, event, groups)
    if len(groups) > MAX_GROUPS or sum(len(comparisons_of(one)) for one in groups) > MAX_TESTS:
        return _by_number(treatments)
    return Pushdown(treatments, tuple(groups))


def question(demand: Demand, judge: Judge, subject: Subject) -> Formula:
    """Return what decides about the events of one type."""
    capture = judge.formula(demand.capture.compiled, subject)
    if demand.wants_all:
        return capture
    return all_of([capture, any_of([judge.formula(one.compiled, subject) for one in demand.consumers])])


def subject_of(event: EventType, ppm_sc: int) -> Subject:
    """Return what is known of an event that a call is reported as."""
    argument = fd_argument(event)
    has_result: bool | None = event.has_result
    if has_result and (event.id in _OTHER_RESULTS or event.params[0].type not in _WIDE_RESULTS):
        has_result = None
    return Subject(
        name=(syscall_names()[ppm_sc] if event.code == _GENERIC else "") or event.name,
        code=event.code,
        category=event.category,
        flags=event.flags,
        has_result=has_result,
        fd=None if event.fd_index < 0 else -1 if argument == NO_FD else argument,
        feeds_state=event.feeds_state,
    )


def _treatment(formula: Formula, event: EventType, groups: dict[Formula, int]) -> Treatment:
    if formula is True:
        return Treatment(Verdict.KEEP)
    if formula is False:
        return Treatment(Verdict.STATE_ONLY if event.feeds_state else Verdict.DROP)
    return Treatment(Verdict.JUDGE, groups.setdefault(formula, len(groups)))


def _by_number(treatments: Mapping[int, Treatment]) -> Pushdown:
    """Return what is left when the questions are too many: the engine asks them."""
    keep = Treatment()
    kept = {nr: keep if one.verdict is Verdict.JUDGE else one for nr, one in treatments.items()}
    return Pushdown(kept, why=f"more than {MAX_TESTS} comparisons or {MAX_GROUPS} different questions")
