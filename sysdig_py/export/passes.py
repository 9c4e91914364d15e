"""One pass of a source through an engine of its own, for whoever takes something else than lines out of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from sysdig_py.capture.demand import Consumer, Demand, latency_fields, used_fields
from sysdig_py.capture.source import CaptureStats, Source
from sysdig_py.engine.filters import lua_source
from sysdig_py.engine.vm import Engine, HostCallbacks


@dataclass(frozen=True, slots=True)
class Request:
    """Which events to read.

    Attributes:
        open: opens the source; called once per pass.
        filter_text: only the events it accepts count, "" for all.
        max_events: end after so many of them, 0 for no limit.
        max_seconds: end after so many seconds of event time, 0 for no limit.
        pushdown: live: let the kernel leave out what the filter does not want.
    """

    open: Callable[[], Source]
    filter_text: str = ""
    max_events: int = 0
    max_seconds: float = 0.0
    pushdown: bool = True


def _lua_source(text: str) -> str:
    return lua_source(text) if text else ""


class Pass:
    """A source being read. Prepare what collects on `engine`, then go through `steps`, then close.

    Attributes:
        source: where the records come from.
        engine: what they go through.
    """

    def __init__(self, request: Request) -> None:
        """Open the source and start an engine for it.

        Raises:
            FilterError: the filter does not compile.
            SysdigPyError: the source cannot be opened.
        """
        self._request = request
        filter_source = _lua_source(request.filter_text)
        self.source = request.open()
        try:
            self.engine = Engine(host=HostCallbacks(compile_filter=_lua_source), dialect=self.source.dialect)
            self.engine.begin(self.source.machine, self.source.is_live, self.source.name)
            self.engine.set_filter(filter_source)
            self.engine.set_limits(request.max_events, request.max_seconds)
        except BaseException:
            self.source.close()
            raise

    def steps(self, stopped: Callable[[], bool] = lambda: False) -> Iterator[float]:
        """Move the records, a batch per step; yields how much of a file was read, in percent.

        After `stopped` says so, what was captured before is still moved.
        """
        stopping = False
        if self.source.is_live and self._request.pushdown:
            self.source.push_down(self._demand())
        self.source.start(self.engine)
        while self.source.pump(self.engine):
            yield self.source.progress()
            if not stopping and stopped():
                self.source.stop()
                stopping = True

    def _demand(self) -> Demand:
        """Return what is wanted; by now, everything that collects has been prepared."""
        asked = ", ".join(latency_fields(used_fields(self.engine)))
        return Demand(Consumer("capture filter", self._request.filter_text), latency=asked)

    def call(self, module: str, function: str, *arguments: Any) -> Any:
        """Call a function of an engine module."""
        return self.engine.require(module)[function.encode()](*arguments)

    def stats(self) -> CaptureStats:
        """Return what was read and lost so far."""
        return self.source.stats()

    def close(self) -> None:
        """Let go of the file or the probe."""
        self.source.close()

    def __enter__(self) -> Pass:
        """Return the pass; it is closed when the block ends."""
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        """Close."""
        self.close()
