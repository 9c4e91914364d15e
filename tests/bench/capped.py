"""What a cap on the cost keeps: the share of the machine that a capture takes under dd's load, what dd still loses, and
what each step and the measuring itself cost dd.

The share is measured from outside: run times as the kernel tells them of the descriptors the program holds, without
what reading the clock adds, times the calls that dd makes while nothing is measured; and the program's processor time.
"""

import os
import re
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from sysdig_py.capture import bpf
from sysdig_py.capture.cgroups import detect
from sysdig_py.capture.options import LiveOptions
from sysdig_py.capture.overhead.levels import LEVELS, Level, Step, word
from sysdig_py.capture.overhead.meter import clock_nanoseconds
from sysdig_py.capture.probe import Probe
from tests.bench.harness import CommandFailed, interleave, medians, run, spread
from tests.bench.overhead import DD, ENDLESS_DD, SYSCALLS
from tests.bench.tool import capture

PERCENT = 10.0
# from the start of the load until it has gone as far as it goes: a second per step, and one to begin with
_SETTLE_SECONDS = 8.0
_OWN_SECONDS, _WINDOW_SECONDS = 2.0, 0.3
_RUNS_PER_CALL = 2  # of a program, at its entry and its exit
# ends by itself should nobody be there to end it
_LOAD = ["timeout", "60", *ENDLESS_DD]
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
    with _statistics_on():
        before = _statistics(pid)
        time.sleep(_WINDOW_SECONDS)
        after = _statistics(pid)
    if after[1] == before[1]:
        raise CommandFailed("no program ran under dd's load")
    return (after[0] - before[0]) / (after[1] - before[1])


def _measure() -> Sample:
    clock, processors = clock_nanoseconds(), os.sysconf("SC_NPROCESSORS_ONLN")
    with capture(["--max-overhead", f"{PERCENT:g}", "-w", "/dev/null"]) as process:
        load = subprocess.Popen(_LOAD, stderr=subprocess.DEVNULL)
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


def _with_probe(percent: float, level: Level = LEVELS[0], *, measured: bool = False) -> Callable[[], float]:
    """Return what runs dd under the probe alone, at a level, and with statistics on all the time if `measured`."""

    def wall() -> float:
        probe = Probe(LiveOptions(ring_bytes=64 << 20, max_overhead=percent), detect())
        try:
            probe.attach()
            probe.reduce(word(level))
            with _statistics_on() if measured else nullcontext():
                return run(DD).wall
        finally:
            probe.close()

    return wall


@contextmanager
def _statistics_on() -> Iterator[None]:
    switch = bpf.enable_stats()
    try:
        yield
    finally:
        os.close(switch)


def _steps(rounds: int) -> list[str]:
    variants = {"no cap": _with_probe(0.0), "statistics always on": _with_probe(0.0, measured=True)}
    for level in LEVELS:
        rate = f", one in {level.one_in}" if level.step == Step.SAMPLED else ""
        variants[f"step {level.step:d}{rate}"] = _with_probe(PERCENT, level)
    samples = interleave({"untraced": lambda: run(DD).wall} | variants, rounds)
    lines = ["dd bs=1 under the probe, its records left in the ring"]
    for name, wall in medians(samples).items():
        lines.append(f"  {name:<28} {wall / SYSCALLS * 1e9:4.0f} ns per call  (+-{spread(samples[name]):.0%})")
    return lines


def report(rounds: int) -> list[str]:
    """Return the lines of this bench."""
    return _under_limit(rounds) + _steps(rounds)


def _under_limit(rounds: int) -> list[str]:
    untraced, samples = [], []
    for _ in range(rounds):
        untraced.append(run(DD).wall)
        samples.append(_measure())
    base, wall = statistics.median(untraced), statistics.median(s.wall for s in samples)
    programs, own = statistics.median(s.programs for s in samples), statistics.median(s.own for s in samples)
    steps = "/".join(sorted({str(s.step) for s in samples}))
    parts = f"programs {programs:.1%}, own {own:.1%}"
    return [
        f"dd bs=1 under --max-overhead {PERCENT:g}",
        f"  slower by                    {wall / base:5.2f}x  +{(wall - base) / SYSCALLS * 1e9:4.0f} ns per call",
        f"  of the machine               {programs + own:5.1%} ({parts}), step {steps} of 4",
    ]
