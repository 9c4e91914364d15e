"""How fast a saved trace goes through the engine, and how large it is."""

import statistics
import tempfile
from pathlib import Path

from tests.bench.harness import interleave, medians, run, spread
from tests.bench.overhead import DD
from tests.bench.tool import PROGRAM, Account, capture

CHISELS = ("topprocs_net", "topscalls")
LOADS = {"dd bs=1": DD, "find /usr": ["find", "/usr", "-xdev", "-size", "+1M"]}


def record(path: Path, load: list[str]) -> Account:
    """Save a trace of `load` to `path`."""
    with capture(["-w", str(path)]) as process:
        run(load)
    return process.account


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
    sizes = ["trace size"]
    with tempfile.TemporaryDirectory() as folder:
        replayed: list[str] = []
        for number, (name, load) in enumerate(LOADS.items()):
            path = Path(folder) / f"{number}.spy"
            accounts = [(record(path, load), path.stat().st_size) for _ in range(rounds)]
            per_event = statistics.median(size / max(account.events, 1) for account, size in accounts)
            sizes.append(f"  {name:<28} {per_event:5.1f} bytes per event  ({accounts[-1][0].events} events)")
            replayed = replayed or _replays(path, accounts[-1][0].events, rounds)
    return replayed + sizes
