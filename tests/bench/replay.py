"""How fast a saved trace goes through the engine."""

import tempfile
from pathlib import Path

from tests.bench.harness import interleave, medians, run, spread
from tests.bench.overhead import DD
from tests.bench.tool import PROGRAM, record

CHISELS = ("topprocs_net", "topscalls")


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


def report(rounds: int) -> list[str]:
    """Return the lines of this bench."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "dd.spy"
        return _replays(path, record(path, lambda: run(DD)).events, rounds)
