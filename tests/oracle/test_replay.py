"""The same trace, the same words: the same bytes as sysdig's, but for what `differences.py` tells."""

from __future__ import annotations

import pytest

from tests.oracle.cases import Case, all_cases, column_of, made_cases, tracer_cases
from tests.oracle.compare import differing, report
from tests.oracle.differences import DIFFERENCES, Difference, mapped
from tests.oracle.made_traces import files, tracers
from tests.oracle.tools import Done, Runs, traces

pytestmark = pytest.mark.slow

# sysdig 0.29.3 cannot open it: its section header carries options
UNREADABLE = "curl_google_comments"
READABLE = tuple(path for path in traces() if UNREADABLE not in path.name)
REAL = tuple(all_cases(READABLE))
MADE = (*made_cases(files()), *tracer_cases(tracers()))
CASES = {str(case): case for case in (*REAL, *MADE)}


def _sides(case: Case, runs: Runs) -> tuple[bytes, bytes, Done]:
    theirs, ours = runs.both(case.words)
    assert theirs.code == 0, f"the oracle refuses {case}: {theirs.err!r}"
    if case.column < 0:
        return theirs.out, ours.out, ours
    if ours.code:
        return column_of(theirs.out, case.column), ours.err, ours
    return column_of(theirs.out, case.column), column_of(ours.out, case.column), ours


def check(case: Case, runs: Runs) -> None:
    """Fail where the tools differ and are not meant to."""
    theirs, ours, done = _sides(case, runs)
    lines = differing(*mapped(case, theirs, ours)) or [f"exit code {done.code}"] * (done.code != 0)
    if lines:
        pytest.fail(report(case.words, lines, done.err), pytrace=False)


def test_there_are_traces_to_compare_on(real_traces: None) -> None:
    assert len(REAL) > 1000


@pytest.mark.parametrize("case", REAL, ids=str)
def test_output_is_the_oracles(case: Case, runs: Runs) -> None:
    check(case, runs)


@pytest.mark.parametrize("case", MADE, ids=str)
def test_old_layouts_are_read_as_the_oracle_does(case: Case, runs: Runs) -> None:
    check(case, runs)


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda difference: difference.example)
def test_difference_is_still_one(difference: Difference, runs: Runs, real_traces: None) -> None:
    case = CASES[difference.example]
    assert difference.applies(case)
    theirs, ours, _ = _sides(case, runs)
    assert differing(*mapped(case, theirs, ours, without=difference)), "identical without it: take it out"
