"""Kernel tests load the real probe; they skip with the exact reason where that cannot be."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import walker

from sysdig_py.capture.cgroups import detect
from sysdig_py.capture.live import LiveOptions, Probe
from sysdig_py.errors import EnvironmentLack, RightsError

REQUIRED = os.environ.get("SYSDIG_PY_REQUIRE_KERNEL") == "1"


def open_probe(options=None, hierarchy=None, pushdown=None):
    try:
        return Probe(options or LiveOptions(ring_bytes=128 << 20), hierarchy or detect(), pushdown)
    except (RightsError, EnvironmentLack) as error:
        if REQUIRED:
            raise
        pytest.skip(str(error))


class Tracer:
    """A probe and the records of what a test runs under it."""

    def __init__(self, probe):
        self.probe = probe

    def run(self, script, *args, check=True, **options):
        """Run a Python script in a fresh process; return its pid, its output and the records since."""
        return self.command([sys.executable, "-I", "-S", "-c", script, *args], check=check, **options)

    def command(self, argv, check=True, **options):
        walker.skip_all(self.probe.ring)
        child = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
        out, err = child.communicate(timeout=30)
        assert not check or child.returncode == 0, err
        return Run(child.pid, out, walker.read_all(self.probe.ring))


class Run:
    def __init__(self, pid, out, records):
        self.pid = pid
        self.out = out
        self.all = records
        self.own = [record for record in records if record.pid == pid]

    def of(self, event_id, **params):
        """Return the process' records of a type whose parameters have the given values."""
        return [r for r in self.own if r.id == event_id and all(r[k] == v for k, v in params.items())]

    def one(self, event_id, **params):
        found = self.of(event_id, **params)
        assert len(found) == 1, (event_id, params, found, sorted({r.id for r in self.own}))
        return found[0]


@pytest.fixture(scope="session")
def probe():
    made = open_probe()
    made.attach()
    yield made
    made.close()


@pytest.fixture
def tracer(probe):
    walker.skip_all(probe.ring)
    lost = probe.losses()[0].total
    yield Tracer(probe)
    assert probe.losses()[0].total == lost, "records were lost"
