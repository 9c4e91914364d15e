"""What tracing costs the traced: one-byte reads and writes by dd, with and without a capture running."""

from collections.abc import Callable

from tests.bench.harness import interleave, medians, run, spread
from tests.bench.tool import capture

COUNT = 1_000_000
SYSCALLS = 2 * COUNT
ENDLESS_DD = ["dd", "if=/dev/zero", "of=/dev/null", "bs=1"]
DD = [*ENDLESS_DD, f"count={COUNT}"]

# name -> (words, times the untraced run that are the goal)
CAPTURES: dict[str, tuple[list[str], float]] = {
    "write a trace": (["-w", "/dev/null"], 2.6),
    "the same, --no-latency": (["-w", "/dev/null", "--no-latency"], 2.2),
    "chisel topprocs_net": (["-c", "topprocs_net"], 2.6),
    "filter that matches nothing": (["-q", "evt.type=mount and proc.name=nobody"], 1.5),
}


def _traced(arguments: list[str]) -> Callable[[], float]:
    def measure() -> float:
        with capture(arguments):
            return run(DD).wall

    return measure


def report(rounds: int) -> list[str]:
    """Return the lines of this bench."""
    variants = {"untraced": lambda: run(DD).wall} | {name: _traced(words) for name, (words, _) in CAPTURES.items()}
    samples = interleave(variants, rounds)
    middle = medians(samples)
    base = middle["untraced"]
    lines = [
        f"dd bs=1, {SYSCALLS / 1e6:.0f} M system calls: untraced {base:.2f} s, {base / SYSCALLS * 1e9:.0f} ns per call"
    ]
    for name, (_, goal) in CAPTURES.items():
        added = (middle[name] - base) / SYSCALLS * 1e9
        ratio = f"{middle[name] / base:5.2f}x (goal {goal}x)"
        lines.append(f"  {name:<28} {ratio}  +{added:4.0f} ns per call  (+-{spread(samples[name]):.0%})")
    return lines
