"""What a run wants of its source: which events, for whom."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from sysdig_py import filter as event_filter
from sysdig_py.engine.vm import Engine
from sysdig_py.filter import CompiledFilter
from sysdig_py.filter.mentions import event_types

# fields that remember earlier events: they have to be asked at every event that reaches them
_REMEMBERING: Final = (
    *("evt.deltatime", "evt.outputtime", "thread.exectime", "thread.totexectime", "thread.cpu", "span.", "evtin."),
)
# fields that tell how long a call took
_LATENCY: Final = ("evt.latency", "evt.wait_latency")
# an event that the kernel knows as a write: which of them it is depends on fds and on what is written
_TRACER: Final = "tracer"


def used_fields(engine: Engine) -> list[str]:
    """Return the names, without argument, of the fields that filters, formats and chisels have asked for so far."""
    return [name.decode() for name in engine.require("fields.init")[b"used"]]


def latency_fields(used: Iterable[str]) -> list[str]:
    """Return those of the fields that tell how long a call took."""
    return sorted(name for name in used if name.startswith(_LATENCY))


@dataclass(frozen=True)
class Consumer:
    """One who gets events.

    Attributes:
        name: as listings call it.
        filter_text: its own filter; "" wants everything that the capture filter lets through.
    """

    name: str
    filter_text: str = ""

    @cached_property
    def compiled(self) -> CompiledFilter:
        """The filter."""
        return event_filter.compile(self.filter_text)

    @property
    def remembers(self) -> str:
        """The field of the filter that remembers earlier events, "" when none does."""
        if _TRACER in event_types(self.filter_text):
            return f"evt.type={_TRACER}"
        return next((name for name in sorted(self.compiled.fields) if name.startswith(_REMEMBERING)), "")


@dataclass(frozen=True)
class Demand:
    """Everything a run wants: what the capture filter accepts and at least one consumer wants.

    Attributes:
        capture: the capture filter, as a consumer.
        consumers: who gets what it accepts.
        counts: whether the run ends by a count or time of accepted events, so that all of those are wanted.
        latency: who asks how long calls take, "" when nobody does.
    """

    capture: Consumer = field(default_factory=lambda: Consumer("capture filter"))
    consumers: tuple[Consumer, ...] = ()
    counts: bool = False
    latency: str = "every event"

    @property
    def wants_all(self) -> str:
        """Why everything that the capture filter accepts is wanted, "" when it is not."""
        if self.counts:
            return "the run ends by a count or time of events"
        if not self.consumers:
            return "events are counted"
        return next((f"{one.name} wants every event" for one in self.consumers if not one.filter_text), "")

    @property
    def filters(self) -> tuple[Consumer, ...]:
        """Every filter that decides."""
        return (self.capture, *(() if self.wants_all else self.consumers))

    @property
    def remembers(self) -> str:
        """The field that remembers earlier events in a filter that decides, "" when none does."""
        return next((name for one in self.filters if (name := one.remembers)), "")
