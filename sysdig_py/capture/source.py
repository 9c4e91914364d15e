"""Where records come from, as the pipeline sees it: live and replay are peers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from sysdig_py.engine.vm import Engine

if TYPE_CHECKING:
    from sysdig_py.capture.demand import Demand


class CaptureStats:
    """What a source counted.

    Attributes:
        events: events that reached the engine (state records are not events).
        bytes: bytes of all records.
        lost: events lost, per cause.
        seconds: duration of the capture.
        counted: events that were left out to cap the cost, and only counted (`--max-overhead`).
        reduced: the furthest step that took (`capture.overhead.levels.Step`).
    """

    def __init__(
        self,
        events: int = 0,
        bytes: int = 0,
        lost: dict[str, int] | None = None,
        seconds: float = 0.0,
        counted: int = 0,
        reduced: int = 0,
    ) -> None:
        """Begin with these counts."""
        self.events, self.bytes, self.lost, self.seconds = events, bytes, lost or {}, seconds
        self.counted, self.reduced = counted, reduced

    @classmethod
    def of(cls, counts: Mapping[str, int], bytes: int, lost: dict[str, int], seconds: float) -> CaptureStats:
        """Return them with what the engine counted (`Engine.stats`)."""
        events, counted, reduced = (counts.get(name, 0) for name in ("events", "counted", "overhead_step"))
        return cls(events, bytes, lost, seconds, counted, reduced)

    def left_out(self) -> str:
        """Return what was left out to cap the cost as a part of a report, "" for nothing."""
        if not self.reduced:
            return ""
        return f", {self.counted} only counted (--max-overhead went to step {self.reduced} of 4)"


class Source(Protocol):
    """A source of records; used in the order start, pump until False (stop hastens that), stats, close."""

    machine: dict[str, Any]
    is_live: bool
    name: str
    dialect: str  # of the engine that understands its records (`engine.vm.DIALECTS`)

    def suggest_snaplen(self, snaplen: int) -> None:
        """Take a chisel's wish for longer I/O buffers, before `start`; what the user asked for wins."""

    def push_down(self, demand: Demand | None) -> None:
        """Live: leave out in the kernel what nobody wants, from `start` on; None, at any time: take everything in."""

    def suggest_events(self, names: frozenset[str]) -> None:
        """Take the event types that are captured only when asked for (`capture/extras.py`), before `start`."""

    def start(self, engine: Engine) -> None:
        """Live: load, attach and feed the snapshot. Replay: make ready to read."""

    def skip_before(self, ts: int, rel: int) -> None:
        """Replay: leave out what is before this time where nothing is lost by it; right after `start`.

        Args:
            ts: ns since the epoch; 0 when `rel` says it.
            rel: ns after the first event.
        """

    def pump(self, engine: Engine) -> bool:
        """Move what is there into the engine; False at the end."""

    def progress(self) -> float:
        """Return how much of the file was read, in percent; 0 where no end is known."""

    def stop(self) -> None:
        """Take in nothing new; `pump` still moves what was captured before, and then returns False."""

    def stats(self) -> CaptureStats:
        """Return the counts so far."""

    def close(self) -> None:
        """Let go of the file or the probe."""
