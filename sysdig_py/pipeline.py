"""The one place where the stages meet.

    source -> engine: state, filter -> chisels | event lines -> output
                                    -> accepted records      -> trace writer

Per batch, never per event: pump the source, hand over what came out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sysdig_py import filter as event_filter
from sysdig_py.capture.source import CaptureStats, Source
from sysdig_py.chisel.registry import Registry
from sysdig_py.chisel.run import ChiselRun, ChiselSettings
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
    display: Display = Display()
    container_data: bool = False
    allow_io: bool = False


class Pipeline:
    """One source, one engine, one plan."""

    def __init__(
        self,
        source: Source,
        plan: Plan,
        output: TextOutput,
        writer: NativeWriter | None,
        host: HostCallbacks,
        registry: Registry,
    ) -> None:
        """Join the stages; nothing runs yet.

        Raises:
            FilterError: the filter does not compile.
            UsageError: the format or a chisel's arguments make no sense.
            ChiselError: a chisel fails to load.
        """
        self._source, self._output, self._writer = source, output, writer
        self.engine = Engine(source.machine, source.is_live, source.name, host)
        self._prepare(plan)
        self.chisels = _chisels(self.engine, plan, registry)

    def _prepare(self, plan: Plan) -> None:
        engine = self.engine
        plan.display.apply(engine)
        if plan.filter_text:
            engine.set_filter(event_filter.compile(plan.filter_text).lua_source)
        engine.set_limits(plan.max_events, plan.max_seconds)
        if plan.line_format is not None and not plan.chisels:
            engine.print_lines(plan.line_format)
        if self._writer is not None:
            engine.write_records(RECORD_BUFFER)

    def run(self, stopped: Callable[[], bool]) -> CaptureStats:
        """Move events until the source ends, a limit is reached, or `stopped` says so.

        What was captured before the end, or before an error, is handed over in any case.
        """
        self.chisels.init()
        try:
            self._source.start(self.engine)
            self.chisels.start()
            self._move(stopped)
        finally:
            self.chisels.finish()
            self._hand_over()
        return self._source.stats()

    def _move(self, stopped: Callable[[], bool]) -> None:
        stopping = False
        while self._source.pump(self.engine):
            self._hand_over()
            if not stopping and stopped():
                self._source.stop()
                stopping = True

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
