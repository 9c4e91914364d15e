"""The one place where the stages meet.

    source -> engine: state, filter -> chisels | event lines -> output
                                    -> accepted records      -> trace writer

Per batch, never per event: pump the source, hand over what came out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from sysdig_py import filter as event_filter
from sysdig_py.capture.source import Source
from sysdig_py.chisel.registry import Registry
from sysdig_py.chisel.run import ChiselRequests, ChiselRun, ChiselSettings
from sysdig_py.engine.vm import Engine, HostCallbacks
from sysdig_py.output.display import Display
from sysdig_py.output.text import TextOutput
from sysdig_py.trace.writer import NativeWriter

RECORD_BUFFER: Final = 4 << 20


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do with the events of one source.

    Attributes:
        filter_text: the capture filter, "" for all events.
        line_format: format of the event lines, None for no lines.
        chisels: (name, argument string) of each chisel, in order; with any, no event lines are printed.
        max_events: end after so many events, 0 for no limit.
        max_seconds: end after so many seconds of event time, 0 for no limit.
        display: how times and buffers are shown.
        container_data: chisels add the container to their output.
        allow_io: chisels may open files and run commands.
    """

    filter_text: str = ""
    line_format: str | None = None
    chisels: tuple[tuple[str, str | None], ...] = ()
    max_events: int = 0
    max_seconds: float = 0.0
    display: Display = field(default_factory=Display)
    container_data: bool = False
    allow_io: bool = False


class Pipeline:
    """One source, one engine, one plan."""

    def __init__(
        self,
        source: Source,
        plan: Plan,
        output: TextOutput,
        host: HostCallbacks,
        registry: Registry,
    ) -> None:
        """Join the stages; nothing runs yet.

        Raises:
            FilterError: the filter does not compile.
            UsageError: the format or a chisel's arguments make no sense.
            ChiselError: a chisel fails to load.
        """
        self._source, self._output = source, output
        self._writer: NativeWriter | None = None
        self.engine = Engine(source.machine, source.is_live, source.name, host)
        self._prepare(plan)
        self.chisels = _chisels(self.engine, plan, registry)
        self._has_chisels = bool(plan.chisels)
        self._ask_chisels()

    def _ask_chisels(self) -> None:
        requests = self.chisels.init()
        if requests.snaplen is not None:
            self._source.suggest_snaplen(requests.snaplen)

    def _prepare(self, plan: Plan) -> None:
        engine = self.engine
        plan.display.apply(engine)
        if plan.filter_text:
            engine.set_filter(event_filter.compile(plan.filter_text).lua_source)
        engine.set_limits(plan.max_events, plan.max_seconds)
        if plan.line_format is not None and not plan.chisels:
            engine.print_lines(plan.line_format)

    def write_to(self, writer: NativeWriter) -> None:
        """Save what the filter accepts, and the state it needs, with `writer`."""
        self._writer = writer
        self.engine.write_records(RECORD_BUFFER)

    def run(self, stopped: Callable[[], bool]) -> ChiselRequests:
        """Move events until the source ends, a limit is reached, or `stopped` says so.

        What was captured before the end, or before an error, is handed over in any case.

        Returns:
            What the chisels asked of the run.
        """
        try:
            self._source.start(self.engine)
            self.chisels.start()
            self._move(stopped)
        finally:
            requests = self.chisels.finish()
            self._hand_over()
        return requests

    def _move(self, stopped: Callable[[], bool]) -> None:
        stopping = False
        while self._source.pump(self.engine):
            self._hand_over()
            if not stopping and (stopped() or self._is_pointless()):
                self._source.stop()
                stopping = True

    def _is_pointless(self) -> bool:
        """Whether every chisel has failed and nobody else wants the events."""
        return self._has_chisels and self._writer is None and not self.chisels.alive

    def _hand_over(self) -> None:
        self._output.write(self.engine.take_output())
        if self._writer is not None:
            records = self.engine.take_records()
            if records.data:
                self._writer.write_block(*records)


def _chisels(engine: Engine, plan: Plan, registry: Registry) -> ChiselRun:
    settings = ChiselSettings(
        filter_text=plan.filter_text,
        container_data=plan.container_data,
        json=plan.display.json and plan.display.buffer_format is None,
        buffer_format_forced=plan.display.buffer_format is not None,
        allow_io=plan.allow_io,
    )
    chisels = ChiselRun(engine, registry, settings)
    for name, argument_text in plan.chisels:
        chisels.add(name, argument_text)
    return chisels
