"""What the program itself needs at about a million events per second, and whether it keeps up."""

import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.bench.harness import run
from tests.bench.overhead import DD, SYSCALLS
from tests.bench.tool import capture

# name -> (words, nanoseconds of the program's own processor time per call that are the goal)
RUNS: dict[str, tuple[list[str], int]] = {
    "chisel topprocs_net": (["-c", "topprocs_net"], 100),
    "chisel topscalls": (["-c", "topscalls"], 100),
    "write a compressed trace": (["-w", "/dev/null"], 250),
    # a processor for itself at a million calls per second, each of which is two events there
    "write a .scap": (["-w", "NULL.scap"], 1000),
    "write a .scap, -z": (["-z", "-w", "NULL.scap"], 1000),
}


@dataclass(frozen=True)
class Sample:
    """One loaded run: events per second of load, processor nanoseconds per event, events and losses."""

    rate: float
    cpu_ns: float
    events: int
    lost: int


def _measure(words: list[str]) -> Sample:
    with tempfile.TemporaryDirectory() as folder:
        null = Path(folder) / "null.scap"
        null.symlink_to("/dev/null")
        return _under_load([str(null) if word == "NULL.scap" else word for word in words])


def _under_load(words: list[str]) -> Sample:
    with capture(words) as process:
        before = process.cpu_so_far()
        load = run(DD)
    # up to its end: what was still in the ring when the load ended has its cost too
    used = process.done.cpu - before
    events = process.account.events
    return Sample(SYSCALLS / load.wall, used / SYSCALLS * 1e9, events, process.account.lost)


def report(rounds: int) -> list[str]:
    """Return the lines of this bench."""
    lines = ["live, under dd's load"]
    for name, (words, goal) in RUNS.items():
        samples = [_measure(words) for _ in range(rounds)]
        rate = statistics.median(s.rate for s in samples)
        cpu = statistics.median(s.cpu_ns for s in samples)
        events, lost = sum(s.events for s in samples), sum(s.lost for s in samples)
        share = lost / (events + lost) if events + lost else 0.0
        own = f"{cpu:4.0f} ns of processor per event (goal {goal})"
        lines.append(f"  {name:<28} {rate / 1e6:5.2f} M events/s  {own}  {share:.2%} lost")
    return lines
