"""How large a saved trace is in bytes per event, beside `gzip -6` of the very same records in the same run."""

import statistics
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sysdig_py.engine.block_codec import BlockCodec
from sysdig_py.trace.reader import NativeReader
from tests.bench.harness import run
from tests.bench.overhead import DD
from tests.bench.tool import record
from tests.bench.workloads import redis_server, requests_per_second

FIND = ["find", "/usr", "-xdev", "-size", "+1M"]
Load = Callable[[], object]


@dataclass(frozen=True)
class Sample:
    """One trace: its events, those that were lost, and bytes of its records, of them gzipped, and of the file."""

    events: int
    lost: int
    records: int
    gzipped: int
    saved: int


def _records(trace: Path, target: Path) -> int:
    """Write the records of the trace, as the kernel made them, to a file; return how many bytes that are."""
    with NativeReader(trace) as reader, target.open("wb") as file:
        reader.unpack = BlockCodec().unpack
        return sum(file.write(block.records) for block in reader)


def _measure(load: Load) -> Sample:
    with tempfile.TemporaryDirectory() as folder:
        trace, plain = Path(folder) / "load.spy", Path(folder) / "records"
        account = record(trace, load)
        size = _records(trace, plain)
        run(["gzip", "-6", str(plain)])
        gzipped = plain.with_suffix(".gz").stat().st_size
        return Sample(account.events, account.lost, size, gzipped, trace.stat().st_size)


def _line(name: str, goal: int, samples: list[Sample]) -> str:
    """Return the medians as a line."""

    def median(part: str) -> float:
        return statistics.median(getattr(sample, part) / max(sample.events, 1) for sample in samples)

    ours = median("saved")
    share = sum(s.lost for s in samples) / max(sum(s.events + s.lost for s in samples), 1)
    beside = f"records {median('records'):5.1f}, gzip -6 {median('gzipped'):4.1f}: {median('gzipped') / ours:.1f}x ours"
    return f"  {name:<28} {ours:5.1f} (goal {goal})  {beside}  {share:.2%} lost"


def report(rounds: int) -> list[str]:
    """Return the lines of this bench."""
    lines = ["size of a trace in bytes per event, and of its records"]
    with redis_server() as port:
        loads: dict[str, tuple[Load, int]] = {
            "dd bs=1": (lambda: run(DD), 4),
            "redis-benchmark -t set,get": (lambda: requests_per_second(port), 8),
            "find /usr -size": (lambda: run(FIND), 8),
        }
        for name, (load, goal) in loads.items():
            lines.append(_line(name, goal, [_measure(load) for _ in range(rounds)]))
    return lines
