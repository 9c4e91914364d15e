"""Damaged traces and doubtful records at scale; each target runs in a process of its own for a bounded time.

SYSDIG_PY_FUZZ_SECONDS (default 3) is the time per target, SYSDIG_PY_FUZZ_SEED repeats a run.
"""

import os
import subprocess
import sys

import pytest

from tests.source_tree import ROOT

SECONDS = os.environ.get("SYSDIG_PY_FUZZ_SECONDS", "3")
SEED = os.environ.get("SYSDIG_PY_FUZZ_SEED") or str(int.from_bytes(os.urandom(4), "little"))


@pytest.mark.parametrize("target", ["reader", "index", "engine", "export"])
def test_nothing_in_a_trace_harms_its_reader(target: str) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-m", "tests.fuzz.trace_worker", target, SEED, SECONDS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=float(SECONDS) * 5 + 60,
        check=False,
    )
    told = f"seed {SEED}: exit {done.returncode}\n{done.stdout}{done.stderr}"
    assert done.returncode == 0, told
    first, *faults = done.stdout.splitlines()
    tried, grown_mib = map(int, first.split())
    assert tried > 50, told
    assert grown_mib < 300, told
    assert not faults, told
