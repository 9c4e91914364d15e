"""What a chisel costs, as text: time per callback, and events per second."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class CallbackTime(NamedTuple):
    """One callback of a chisel: how often it was called and the nanoseconds that took together."""

    name: str
    calls: int
    ns: int


def cost_report(times: Iterable[CallbackTime], events: int, seconds: float) -> str:
    """Return a line per callback and one with the rate of the whole run."""
    lines = [f"{'callback':<18} {'calls':>10} {'total ms':>10} {'ns each':>10}"]
    lines += [f"{t.name:<18} {t.calls:>10} {t.ns / 1e6:>10.3f} {t.ns / t.calls:>10.0f}" for t in times]
    rate = f", {events / seconds:.0f} events/s" if seconds > 0 else ""
    return "\n".join([*lines, f"{events} events in {seconds:.3f} s{rate}"]) + "\n"
