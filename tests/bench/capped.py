"""What a cap on the cost keeps: the share of the machine that a capture takes under dd's load, and what dd still loses.

The share is measured from outside: run times as the kernel tells them of the descriptors the program holds, without what
reading the clock adds, times the calls that dd makes while nothing is measured; and the program's processor time.
"""

import os
import re
import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from sysdig_py.capture import bpf
from sysdig_py.capture.overhead.meter import clock_nanoseconds
from tests.bench.harness import CommandFailed, run
from tests.bench.overhead import DD, SYSCALLS
from tests.bench.tool import capture

PERCENT = 10.0
# from the start of the load until it has gone as far as it goes: a second per step, and one to begin with
_SETTLE_SECONDS = 8.0
_OWN_SECONDS, _WINDOW_SECONDS = 2.0, 0.3
_RUNS_PER_CALL = 2  # of a program, at its entry and its exit
_ENDLESS = [word for word in DD if not word.startswith("count=")]
_STATISTICS = re.compile(r"^run_time_ns:\s+(\d+)\nrun_cnt:\s+(\d+)$", re.MULTILINE)
_STEP = re.compile(r"--max-overhead went to step (\d) of 4")


@dataclass(frozen=True)
class Sample:
    """One run: seconds of dd, shares of the machine, and the step it went to."""

    wall: float
    programs: float
    own: float
    step: int


def _statistics(pid: int) -> tuple[int, int]:
    """Return ns and runs of the programs that a process holds descriptors of."""
    texts = [entry.read_text() for entry in Path(f"/proc/{pid}/fdinfo").iterdir()]
    found = [match for text in texts if (match := _STATISTICS.search(text))]
    return sum(int(match[1]) for match in found), sum(int(match[2]) for match in found)


def _nanoseconds_per_run(pid: int) -> float:
    switch = bpf.enable_stats()
    try:
        before = _statistics(pid)
        time.sleep(_WINDOW_SECONDS)
        after = _statistics(pid)
    finally:
        os.close(switch)
    if after[1] == before[1]:
        raise CommandFailed("no program ran under dd's load")
    return (after[0] - before[0]) / (after[1] - before[1])


def _measure() -> Sample:
    clock, processors = clock_nanoseconds(), os.sysconf("SC_NPROCESSORS_ONLN")
    with capture(["--max-overhead", f"{PERCENT:g}", "-w", "/dev/null"]) as process:
        load = subprocess.Popen(_ENDLESS, stderr=subprocess.DEVNULL)
        try:
            time.sleep(_SETTLE_SECONDS)
            before = process.cpu_so_far()
            time.sleep(_OWN_SECONDS)
            own = (process.cpu_so_far() - before) / _OWN_SECONDS
            per_run = max(0.0, _nanoseconds_per_run(process.pid) - clock)
        finally:
            load.terminate()
            load.wait()
        wall = run(DD).wall
    programs = per_run / 1e9 * _RUNS_PER_CALL * SYSCALLS / wall
    step = _STEP.search(process.done.err)
    return Sample(wall, programs / processors, own / processors, int(step[1]) if step else 0)


def report(rounds: int) -> list[str]:
    """Return the lines of this bench."""
    untraced, samples = [], []
    for _ in range(rounds):
        untraced.append(run(DD).wall)
        samples.append(_measure())
    base, wall = statistics.median(untraced), statistics.median(s.wall for s in samples)
    programs, own = statistics.median(s.programs for s in samples), statistics.median(s.own for s in samples)
    steps = "/".join(sorted({str(s.step) for s in samples}))
    return [
        f"dd bs=1 under --max-overhead {PERCENT:g}",
        f"  slower by                    {wall / base:5.2f}x  +{(wall - base) / SYSCALLS * 1e9:4.0f} ns per call",
        f"  of the machine               {programs + own:5.1%} (programs {programs:.1%}, own {own:.1%}), step {steps} of 4",
    ]
