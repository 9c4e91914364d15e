"""How fast a saved trace goes through the engine, and how long its last events take to be reached."""

import statistics
import tempfile
from pathlib import Path

from tests.bench.harness import interleave, medians, run, spread
from tests.bench.overhead import DD
from tests.bench.tool import PROGRAM, record

CHISELS = ("topprocs_net", "topscalls")
# of a short and a long trace, in runs of dd
LENGTHS = (4, 16)


def _replays(path: Path, events: int, rounds: int) -> list[str]:
    commands = {chisel: [*PROGRAM, "-r", str(path), "-c", chisel] for chisel in CHISELS}
    start = [*PROGRAM, "-r", str(path), "-q", "-n", "1"]
    variants = {"start": lambda: run(start).wall} | {
        name: (lambda command=command: run(command).wall) for name, command in commands.items()
    }
    samples = interleave(variants, rounds)
    middle = medians(samples)
    lines = [f"replay of {events / 1e6:.1f} M events (starting takes {middle['start']:.2f} s)"]
    for name in CHISELS:
        rate = events / max(middle[name] - middle["start"], 1e-9) / 1e6
        speed = f"{middle[name]:5.2f} s  {rate:5.2f} M events/s after the start"
        lines.append(f"  {name:<28} {speed}  (+-{spread(samples[name]):.0%})")
    return lines


def _last_events(folder: Path, rounds: int) -> list[str]:
    """Measure `--since` near the end of traces of different lengths."""
    lines = []
    for times in LENGTHS:
        path = folder / f"{times}.spy"
        account = record(path, lambda times=times: [run(DD) for _ in range(times)])
        command = [*PROGRAM, "-r", str(path), "--since", "-100ms", "-q"]
        walls = [run(command).wall for _ in range(rounds)]
        lines.append(f"  of {account.events / 1e6:4.1f} M events {'':<12} {statistics.median(walls):5.2f} s")
    return ["the last 100 ms of a trace (--since -100ms)", *lines]


def report(rounds: int) -> list[str]:
    """Return the lines of this bench."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "dd.spy"
        events = record(path, lambda: run(DD)).events
        return _replays(path, events, rounds) + _last_events(Path(folder), rounds)
