"""How many rows per second a selection of fields gives, from a saved trace into Arrow batches."""

import sys
import tempfile
from pathlib import Path

from sysdig_py.export.fields import COMMON
from tests.bench.harness import interleave, medians, run, spread
from tests.bench.overhead import DD
from tests.bench.tool import record

SELECTIONS = {
    "1 field": ("evt.num",),
    "7 fields": ("evt.num", "evt.rawtime", "evt.type", "evt.latency", "evt.buflen", "proc.name", "fd.name"),
    "all common fields": COMMON,
}
GOAL = 1.0
# prints rows and seconds: starting Python and importing Arrow is not what is measured
_SCRIPT = """
import sys, time
import pyarrow, sysdig_py
selection = sysdig_py.open(sys.argv[1]).select(sys.argv[2:])
began = time.perf_counter()
rows = sum(batch.num_rows for batch in selection.batches())
print(rows, time.perf_counter() - began)
"""


def _rate(path: Path, names: tuple[str, ...]) -> float:
    rows, seconds = run([sys.executable, "-c", _SCRIPT, str(path), *names]).out.split()
    return int(rows) / float(seconds)


def report(rounds: int) -> list[str]:
    """Return the lines of this bench."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "dd.spy"
        events = record(path, lambda: run(DD)).events
        variants = {name: (lambda names=names: _rate(path, names)) for name, names in SELECTIONS.items()}
        samples = interleave(variants, rounds)
    lines = [f"select of {events / 1e6:.1f} M events into Arrow batches"]
    for name, rate in medians(samples).items():
        lines.append(f"  {name:<28} {rate / 1e6:5.2f} M rows/s (goal {GOAL:g})  (+-{spread(samples[name]):.0%})")
    return lines
