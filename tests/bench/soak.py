"""A chisel under a live load for a minute: nothing is lost, and an event costs at the end what it cost at the start."""

import statistics
import sys
import time
from pathlib import Path

from tests.abilities import no_kernel
from tests.bench.harness import CommandFailed, run
from tests.bench.overhead import DD
from tests.bench.tool import capture

CHISEL = Path(__file__).parent / "chisels" / "soak.lua"
SECONDS = 60.0
# seconds that are not full of load say nothing
_BUSY = 100_000
_COMPARED = 10
MAX_GROWTH = 1.25


def rows(text: str) -> list[tuple[int, float]]:
    """Return events and processor nanoseconds per event of every busy second."""
    found = []
    for line in text.splitlines():
        _, events, cpu = line.split()
        if int(events) >= _BUSY:
            found.append((int(events), float(cpu) / int(events) * 1e9))
    return found


def soak(seconds: float) -> tuple[list[tuple[int, float]], int, int]:
    """Return the busy seconds, the events and the losses of a run under load."""
    with capture(["-c", str(CHISEL)]) as process:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            run(DD)
    return rows(process.done.out), process.account.events, process.account.lost


def main() -> int:
    """Run the soak test; the exit code tells whether it was passed."""
    why = no_kernel()
    if why:
        print(f"the soak test captures live, and here {why}", file=sys.stderr)
        return 1
    try:
        busy, events, lost = soak(SECONDS)
    except CommandFailed as error:
        print(error, file=sys.stderr)
        return 1
    first, last = (statistics.median(ns for _, ns in part) for part in (busy[:_COMPARED], busy[-_COMPARED:]))
    rate = statistics.median(count for count, _ in busy)
    print(f"{events} events, {lost} lost; {len(busy)} busy seconds of {rate / 1e6:.2f} M events in the chisel")
    print(f"own processor time per event: {first:.0f} ns in the first {_COMPARED} s, {last:.0f} ns in the last")
    return int(lost > 0 or last > first * MAX_GROWTH)


if __name__ == "__main__":
    sys.exit(main())
