"""A test that cannot run here is skipped with the reason, and fails where it was promised to run."""

import os
import subprocess
import sys

import pytest

from tests import abilities
from tests.source_tree import ROOT


def _pytest_on_a_foreign_machine(**environment):
    """Run one kernel test on a machine whose bpf system call is not known."""
    script = "import platform, sys, pytest; platform.machine = lambda: 'vax'; sys.exit(pytest.main(sys.argv[1:]))"
    which = "tests/unit/ui/cli/test_bpf_trial.py::test_unknown_tracepoint_is_refused"
    command = [sys.executable, "-c", script, "-p", "no:cacheprovider", "-q", which]
    plain = {name: value for name, value in os.environ.items() if not name.startswith("SYSDIG_PY_REQUIRE")}
    return subprocess.run(command, cwd=ROOT, env=plain | environment, capture_output=True, text=True, check=False)


def test_skip_says_why():
    done = _pytest_on_a_foreign_machine()
    assert done.returncode == 0
    assert "1 skipped" in done.stdout
    assert "vax" in done.stdout


def test_promised_test_fails_instead_of_being_skipped():
    done = _pytest_on_a_foreign_machine(SYSDIG_PY_REQUIRE_KERNEL="1")
    assert done.returncode == 1
    assert "SYSDIG_PY_REQUIRE_KERNEL is set, but:" in done.stdout


@pytest.mark.parametrize(
    ("why", "line"), [("", "export SYSDIG_PY_REQUIRE_KERNEL=1"), ("it's gone", "skipped, 'its gone'")]
)
def test_script_gets_requirements_or_reasons(monkeypatch, why, line):
    monkeypatch.setattr(abilities, "ABILITIES", {"kernel": (lambda: why, abilities.REQUIRE_KERNEL)})
    assert line in abilities._environment()
