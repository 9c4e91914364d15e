"""The runs all comparisons share. Without the oracle nothing here runs (see `tests/abilities.py`)."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.abilities import REQUIRE_ORACLE
from tests.oracle.tools import Runs, no_traces


@pytest.fixture(scope="session")
def runs(request: pytest.FixtureRequest) -> Iterator[Runs]:
    """Runs of both tools; those of the chosen cases begin at once."""
    made = Runs()
    cases = [item.callspec.params.get("case") for item in request.session.items if hasattr(item, "callspec")]
    made.plan(case.words for case in cases if hasattr(case, "words"))
    yield made
    made.close()


@pytest.fixture(scope="session")
def real_traces() -> None:
    """Skip without captured traces, or fail where the comparison was promised."""
    why = no_traces()
    if why and os.environ.get(REQUIRE_ORACLE) == "1":
        pytest.fail(f"{REQUIRE_ORACLE} is set, but: {why}", pytrace=False)
    elif why:
        pytest.skip(why)
