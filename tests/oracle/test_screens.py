"""Chisels that draw over time: on a terminal of one size, and on events whose times go back and forth."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from sysdig_py.chisel.registry import INSTALLED_SYSDIG
from tests.oracle.made_traces import SHELL, machine
from tests.oracle.make_scap import START, EventWriter, Layout, scap
from tests.oracle.test_chisels import READABLE
from tests.oracle.tools import ENVIRONMENT, ORACLE, Runs

pytestmark = pytest.mark.slow

NAMES = ("spectrogram", "subsecoffset")
# milliseconds; both an interval's end is passed and one from before is come back to
TIMES = (0, 300, 499, 501, 498, 502, 1700, 1600, 1400, 1400, 1501, 5000, 100, 7000)
PRINTS_INTERVALS = """
description = "" short_description = "" category = "" args = {}
function on_init() return true end
function on_capture_start() chisel.%s return true end
function on_event() print("event", evt.get_num()) return true end
function on_interval(s, ns, delta) print(s, ns, delta, evt.get_num()) return true end
"""


def drawn(command: list[str], trace: Path, chisel: str) -> bytes:
    """Return what a run shows on a terminal of 80 columns."""
    words = shlex.join([*command, "-r", str(trace), "-c", chisel])
    sized = f"stty cols 80 rows 24; exec {words}"
    done = subprocess.run(
        ["script", "-qec", sized, "/dev/null"], capture_output=True, env=ENVIRONMENT, check=True, timeout=60
    )
    return done.stdout


@pytest.mark.parametrize("trace", READABLE, ids=lambda path: path.stem)
@pytest.mark.parametrize("name", NAMES)
def test_drawings_are_the_same(name: str, trace: Path) -> None:
    unmodified = f"{INSTALLED_SYSDIG}{name}.lua"
    program = [sys.executable, "-m", "sysdig_py"]
    theirs = drawn([ORACLE], trace, unmodified)
    assert theirs.count(b"\x1b[48;5;") > 100
    assert drawn(program, trace, unmodified) == theirs


@pytest.mark.parametrize("call", ["set_interval_ns(500000000)", "set_interval_s(1)", "set_precise_interval_ns(2e8)"])
def test_intervals_of_times_that_go_back(call: str, runs: Runs, tmp_path: Path) -> None:
    events = EventWriter()
    for ms in TIMES:
        events.ts = START + ms * 1_000_000
        events.add("SYSCALL_GETCWD_E", SHELL)
    trace, chisel = tmp_path / "times.scap", tmp_path / "intervals.lua"
    trace.write_bytes(scap(Layout(), machine(Layout()), events))
    chisel.write_text(PRINTS_INTERVALS % call)
    theirs, ours = runs.both(("-r", str(trace), "-c", str(chisel)))
    assert theirs.out.count(b"\n") > len(TIMES)
    assert ours.out == theirs.out
