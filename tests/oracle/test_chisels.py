"""Every chisel of sysdig on every trace: run by sysdig-py unmodified, and ours of the same name, against sysdig."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from sysdig_py import locations
from sysdig_py.chisel.registry import INSTALLED_SYSDIG
from tests.oracle.chisel_differences import CONTAINERS, JSON, OWN, TEXT, UNMODIFIED, ChiselDifference, mapped
from tests.oracle.compare import differing, report
from tests.oracle.tools import Done, sysdig, sysdig_py, traces

pytestmark = pytest.mark.slow

MODES = {TEXT: (), JSON: ("-j",), CONTAINERS: ("-pc",)}
ARGUMENTS = {
    "fdbytes_by": "proc.name", "fdcount_by": "proc.name", "fdtime_by": "fd.name", "fileslower": "0", "netlower": "0",
    "scallslower": "0", "spy_ip": "10.0.2.2", "spy_port": "80",
}  # fmt: skip
NOT_RUN = {
    "around": "it needs a filter, and runs the program again to write a trace",
    "spectrogram": "it needs a terminal",
    "subsecoffset": "it needs a terminal",
    "shellshock_detect": "sysdig refuses its filter",
    "tracers_2_statsd": "it sends over the network; ours prints",
    "udp_extract": "it writes files; sysdig-py asks for --allow-io",
    "wsysdig_summary": "internal to a graphical front end, and runs the program again",
    "flame": "it writes a page for a viewer that is gone; ours prints folded stacks",
    "table_generator": "used by others",
}
MODULES = {"ansiterminal", "common", "dkjson", "http", "statsd"}
NAMES = tuple(
    path.stem
    for path in sorted(Path(INSTALLED_SYSDIG).glob("*.lua"))
    if path.stem not in MODULES | set(NOT_RUN) and not path.stem.startswith("v_")
)
# sysdig 0.29.3 cannot open it: its section header carries options
READABLE = tuple(path for path in traces() if "curl_google_comments" not in path.name)


@dataclass(frozen=True)
class ChiselCase:
    """A chisel by name, on a trace, in a mode; `own` tells whether ours is compared with sysdig's."""

    name: str
    trace: Path
    mode: str
    own: bool

    def __str__(self) -> str:
        return f"{self.trace.stem} {'own' if self.own else 'sysdig'} {self.name} {self.mode}"

    def their_words(self) -> tuple[str, ...]:
        return self._words(f"{INSTALLED_SYSDIG}{self.name}.lua")

    def our_words(self) -> tuple[str, ...]:
        return self._words(str(locations.CHISELS / f"{self.name}.lua")) if self.own else self.their_words()

    def _words(self, path: str) -> tuple[str, ...]:
        argument = ARGUMENTS.get(self.name)
        return ("-r", str(self.trace), *MODES[self.mode], "-c", path, *((argument,) if argument else ()))


CASES = tuple(
    ChiselCase(name, trace, mode, own)
    for name in NAMES
    for trace in READABLE
    for mode in MODES
    for own in (False, True)
    if mode != CONTAINERS or "container" in trace.name
)
_identical: dict[bool, int] = {False: 0, True: 0}


class ChiselRuns:
    """Both tools' runs, made ahead in the background and kept."""

    def __init__(self) -> None:
        """Nothing runs yet."""
        self._pool = ThreadPoolExecutor(max(2, os.cpu_count() or 2))
        self._theirs: dict[tuple[str, ...], Future[Done]] = {}
        self._ours: dict[tuple[str, ...], Future[Done]] = {}

    def plan(self, case: ChiselCase) -> tuple[Future[Done], Future[Done]]:
        """Begin the runs of a case."""
        their_words, our_words = case.their_words(), case.our_words()
        if their_words not in self._theirs:
            self._theirs[their_words] = self._pool.submit(sysdig, their_words)
        if our_words not in self._ours:
            self._ours[our_words] = self._pool.submit(sysdig_py, our_words)
        return self._theirs[their_words], self._ours[our_words]

    def close(self) -> None:
        """Drop what nobody waits for."""
        self._pool.shutdown(cancel_futures=True)


@pytest.fixture(scope="module")
def chisel_runs(request: pytest.FixtureRequest) -> Iterator[ChiselRuns]:
    """Runs of both tools; those of the chosen cases begin at once."""
    made = ChiselRuns()
    for item in request.session.items:
        case = item.callspec.params.get("case") if hasattr(item, "callspec") else None
        if isinstance(case, ChiselCase):
            made.plan(case)
    yield made
    made.close()


def _sides(case: ChiselCase, runs: ChiselRuns) -> tuple[Done, Done]:
    theirs, ours = (future.result() for future in runs.plan(case))
    return theirs, ours


@pytest.mark.parametrize("case", CASES, ids=str)
def test_chisel(case: ChiselCase, chisel_runs: ChiselRuns) -> None:
    theirs, ours = _sides(case, chisel_runs)
    differences = OWN if case.own else UNMODIFIED
    one, other = (mapped(done.out, case.name, case.mode, differences) for done in (theirs, ours))
    lines = differing(one, other) or [f"exit code {ours.code}"] * (ours.code != theirs.code)
    if lines:
        pytest.fail(report(case.our_words(), lines, ours.err), pytrace=False)
    _identical[case.own] += 1


def test_count(capsys: pytest.CaptureFixture[str], real_traces: None) -> None:
    """Tell how many pairs were the same in this run."""
    with capsys.disabled():
        sys.stdout.write(f"\nidentical: {_identical[False]} of sysdig's chisels, {_identical[True]} of ours;")
        sys.stdout.write(f" pairs: {len(CASES) // 2} each\n")
    assert len(NAMES) > 40


def test_every_chisel_of_sysdig_has_one_of_ours() -> None:
    assert [n for n in (*NAMES, *NOT_RUN) if not (locations.CHISELS / f"{n}.lua").is_file()] == []


@pytest.mark.parametrize(
    ("own", "difference"),
    [(True, difference) for difference in OWN] + [(False, d) for d in UNMODIFIED if d not in OWN],
    ids=lambda value: value.reason[:60] if isinstance(value, ChiselDifference) else None,
)
def test_difference_is_still_one(
    own: bool, difference: ChiselDifference, chisel_runs: ChiselRuns, real_traces: None
) -> None:
    rest = tuple(d for d in (OWN if own else UNMODIFIED) if d is not difference)
    for case in CASES:
        if case.own == own and case.name in difference.names and case.mode in difference.modes:
            theirs, ours = _sides(case, chisel_runs)
            if mapped(theirs.out, case.name, case.mode, rest) != mapped(ours.out, case.name, case.mode, rest):
                return
    pytest.fail("identical without it: take it out", pytrace=False)
