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
from sysdig_py.chisel.runner import ChiselRun, Requested
from sysdig_py.engine.vm import Engine, HostCallbacks
from sysdig_py.output.text import TextOutput
from sysdig_py.trace.writer import NativeWriter

RECORD_BUFFER: Final = 4 << 20


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do with the events of one source.

    Attributes:
        filter_text: the capture filter, "" for all events.
        line_format: format of the event lines, None for no lines.
        chisels: the chisels to run, in order; with any, no event lines are printed.
        max_events: end after so many events, 0 for no limit.
        max_seconds: end after so many seconds of event time, 0 for no limit.
        time_style: how `evt.outputtime` shows the time (`a h r d D`).
        buffer_format: how I/O buffers are shown; None leaves the choice to the chisels.
        whole_buffers: show I/O buffers beyond 80 characters.
        json: one JSON object per line.
        container_data: chisels add the container to their output.
        allow_io: chisels may open files and run commands.
    """

    filter_text: str = ""
    line_format: str | None = None
    chisels: tuple[Requested, ...] = ()
    max_events: int = 0
    max_seconds: float = 0.0
    time_style: str = "h"
    buffer_format: str | None = None
    whole_buffers: bool = False
    json: bool = False
    container_data: bool = False
    allow_io: bool = False


class Pipeline:
    """One source, one engine, one plan."""

    def __init__(self, source: Source, plan: Plan, output: TextOutput, writer: NativeWriter | None, host: HostCallbacks) -> None:
        """Join the stages; nothing runs yet.

        Raises:
            FilterError: the filter does not compile.
            UsageError: the format or a chisel's arguments make no sense.
            ChiselError: a chisel fails to load.
        """
        self._source, self._output, self._writer = source, output, writer
        self.engine = Engine(source.machine, source.is_live, source.name, host)
        self.chisels = self._prepare(plan)

    def _prepare(self, plan: Plan) -> ChiselRun:
        engine = self.engine
        engine.set_display(plan.time_style, plan.buffer_format, plan.whole_buffers, plan.json)
        if plan.filter_text:
            engine.set_filter(event_filter.compile(plan.filter_text).lua_source)
        engine.set_limits(plan.max_events, plan.max_seconds)
        chisels = ChiselRun(engine, plan)
        if plan.line_format is not None and not plan.chisels:
            engine.print_lines(plan.line_format)
        if self._writer is not None:
            engine.write_records(RECORD_BUFFER)
        return chisels

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
