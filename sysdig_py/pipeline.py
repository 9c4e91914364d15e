"""The one place where the stages meet.

    source -> engine: state, filter -> chisels | event lines | counts -> output
                                    -> accepted records               -> trace writer

Per batch, never per event: pump the source, hand over what came out.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from sysdig_py.capture.source import Source
from sysdig_py.chisel.registry import Registry
from sysdig_py.chisel.run import ChiselRequests, ChiselRun, ChiselSettings
from sysdig_py.engine.vm import Engine, HostCallbacks
from sysdig_py.errors import UsageError
from sysdig_py.output.display import Display
from sysdig_py.output.summary import Summary
from sysdig_py.output.text import TextOutput

if TYPE_CHECKING:
    from sysdig_py.capture.demand import Demand
    from sysdig_py.trace.background import BackgroundWriter
    from sysdig_py.trace.series import FileSeries

RECORD_BUFFER: Final = 4 << 20


class Plan(NamedTuple):
    """What to do with the events of every source."""

    filter_text: str = ""  # the capture filter, "" for all events
    display_filter: str = ""  # decides only what is printed
    line_format: str | None = None  # format of the event lines, None for no lines
    chisels: tuple[tuple[str, str | None], ...] = ()  # names and argument strings; with any, no lines are printed
    max_events: int = 0  # end each source after so many events, 0 for no limit
    max_seconds: float = 0.0  # end each source after so many seconds of event time, 0 for no limit
    since_ns: int = 0  # no event before this time is wanted (the filter says so, too), ns since the epoch, 0: any is
    since_rel: int = 0  # the same, ns since the first event
    until_ns: int = 0  # end each source soon after this time, ns since the epoch, 0 for no limit
    until_rel: int = 0  # the same, ns since the first event
    display: Display = Display()
    summary: bool = False  # count the events by name
    container_data: bool = False  # chisels add the container to their output
    allow_io: bool = False  # chisels may open files and run commands
    profile_chisels: bool = False  # measure the chisels' callbacks
    pushdown: bool = True  # let the kernel leave out what nobody wants

    @property
    def shown_only(self) -> str:
        """The display filter, "" when lines have to be made of events that it does not show."""
        remembers = self.line_format is not None and "evt.deltatime" in self.line_format
        return "" if remembers or self.display.time_style == "D" else self.display_filter


class Pipeline:
    """One engine and one plan, for one source after the other: `open`, `write_to` if wanted, `run`.

    State, event numbers and limits begin anew with each source; chisels and formats remember.
    """

    def __init__(
        self, plan: Plan, output: TextOutput, host: HostCallbacks, registry: Registry, dialect: str = ""
    ) -> None:
        """Join the stages; nothing runs yet. `dialect`: of the sources to come (`Source.dialect`).

        Raises:
            FilterError: a filter does not compile.
            UsageError: the format or a chisel's arguments make no sense.
            ChiselError: a chisel fails to load.
        """
        self._output = output
        self._writer: BackgroundWriter | FileSeries | None = None
        self._series: FileSeries | None = None
        self._notice = host.notice
        self.engine = Engine(host=host, dialect=dialect)
        self.summary = Summary(self.engine)
        self._is_filtered = bool(plan.filter_text)
        self._prepare(plan)
        self.chisels = _chisels(self.engine, plan, registry)
        self._plan = plan

    def _prepare(self, plan: Plan) -> None:
        engine = self.engine
        plan.display.apply(engine)
        engine.set_filter(_compiled(plan.filter_text))
        engine.set_limits(plan.max_events, plan.max_seconds)
        engine.set_end(plan.until_ns, plan.until_rel)
        shown = _compiled(plan.display_filter)
        if plan.line_format is not None and not plan.chisels:
            engine.print_lines(plan.line_format, shown, shows_internal=plan.display.internal_events)
        if plan.summary and not plan.chisels:
            self.summary.start()

    def open(self, source: Source) -> None:
        """Make ready for a source; refuses one of another dialect, and what a chisel's on_init refuses."""
        if source.dialect != self.engine.dialect:
            raise UsageError(f"{source.name}: a trace of another kind than the one before; read it in a run of its own")
        self._source, self._writer, self._series = source, None, None
        self.engine.begin(source.machine, source.is_live, source.name)
        requests = self.chisels.init()
        self._filter_text = requests.filter_text
        if requests.snaplen is not None:
            source.suggest_snaplen(requests.snaplen)
        if source.is_live:
            source.suggest_events(self._extra_events())

    def _extra_events(self) -> frozenset[str]:
        """Return the events that are captured only when asked for, and that filters and fields of this run ask for."""
        from sysdig_py.capture.demand import used_fields
        from sysdig_py.capture.extras import wanted

        filters = [self._filter_text, self._plan.display_filter, *(text for _, text in self.chisels.wants())]
        return wanted(filters, used_fields(self.engine))

    def write_to(self, writer: BackgroundWriter) -> None:
        """Save what the filter accepts of the source, and the state it needs, with `writer`."""
        self._writer, self._series = writer, None
        self.engine.write_records(RECORD_BUFFER, selective=self._is_filtered, tells_users=writer.needs_users_first)

    def write_series(self, series: FileSeries, wanted_when: str = "") -> None:
        """Save it in several files; `wanted_when`: filter of the events that ask for one (`FileSeries.after_batch`)."""
        self._writer = self._series = series
        self.engine.write_records(RECORD_BUFFER, selective=True, tells_users=series.needs_users_first)
        self.engine.limit_file(series.limits.events, series.limits.seconds)
        if wanted_when:
            self.engine.want_file_when(_compiled(wanted_when))

    def redact(self, classes: tuple[str, ...]) -> None:
        """Take secrets of these classes out of what is saved, under a key that nobody keeps."""
        if classes:
            self.engine.redact(classes, os.urandom(16))

    def run(self, stopped: Callable[[], bool], on_progress: Callable[[float], None]) -> ChiselRequests:
        """Move events until the end, a limit or `stopped`, hand all of them over; return what chisels asked for."""
        self._is_timeless = False
        if self._plan.pushdown and self._source.is_live:
            demand = self.demand(saved=self._writer is not None)
            self._source.push_down(demand)
            self._is_timeless = bool(self._plan.chisels) and not demand.latency
        self._filters = self.chisels.filter_changes
        try:
            self._source.start(self.engine)
            self._skip()
            self.chisels.start()
            self._move(stopped, on_progress)
            self._tell_timeless()
        finally:
            self._hand_over()
            self._output.end_events()
            requests = self.chisels.finish()
            self._hand_over()
            self._output.settle()
        return requests

    def _skip(self) -> None:
        """Leave out what is before the wanted time, unless somebody makes use of events that are not shown."""
        plan = self._plan
        if (plan.since_ns or plan.since_rel) and not self.engine.needs_past:
            self._source.skip_before(plan.since_ns, plan.since_rel)

    def _move(self, stopped: Callable[[], bool], on_progress: Callable[[float], None]) -> None:
        stopping = False
        while self._source.pump(self.engine):
            self._hand_over()
            percent = self._source.progress()
            self.chisels.set_progress(percent)
            on_progress(percent)
            self._follow_chisels()
            if not stopping and (stopped() or self._is_pointless()):
                self._source.stop()
                stopping = True

    def demand(self, *, saved: bool) -> Demand:
        """Return what is wanted of the source: by filters, chisels and display, and whether a trace is saved."""
        from sysdig_py.capture.demand import Consumer, Demand

        plan = self._plan
        consumers = [Consumer(f"chisel {name}", text) for name, text in self.chisels.wants()]
        if saved:
            consumers.append(Consumer("the trace"))
        if plan.summary and not plan.chisels:
            consumers.append(Consumer("the summary"))
        if plan.line_format is not None and not plan.chisels:
            consumers.append(Consumer("event lines", plan.shown_only))
        counts = bool(plan.max_events or plan.max_seconds)
        latency = "the trace" if saved else self._latency_user()
        return Demand(Consumer("capture filter", self._filter_text), tuple(consumers), counts, latency)

    def _latency_user(self) -> str:
        """Return who asks how long calls take; only then their entries are captured."""
        from sysdig_py.capture.demand import latency_fields, used_fields

        used = used_fields(self.engine)
        if "evt.outputtime" in used and self._plan.display.time_style == "d":
            return "the time style d"
        return ", ".join(latency_fields(used))

    def _follow_chisels(self) -> None:
        """Take everything in from here on when a chisel has changed a filter in the middle of the run."""
        if self.chisels.filter_changes != self._filters:
            self._filters = self.chisels.filter_changes
            self._source.push_down(None)
        self._tell_timeless()

    def _tell_timeless(self) -> None:
        """Say so when a chisel asks how long calls take after the rights to measure it were given up."""
        if self._is_timeless and self._latency_user():
            self._is_timeless = False
            self._notice(f"{self._latency_user()} was asked for while the capture ran: it is not measured in this run")

    def _is_pointless(self) -> bool:
        """Whether every chisel has failed and nobody else wants the events."""
        return bool(self._plan.chisels) and self._writer is None and not self.chisels.alive

    def _hand_over(self) -> None:
        self.engine.hand_output(self._output.write)
        if self._writer is not None:
            records = self.engine.take_records()
            if records.data:
                self._writer.write_block(*records)
        if self._series is not None:
            self._turn(self._series)

    def _turn(self, series: FileSeries) -> None:
        is_due, is_wanted = self.engine.take_marks()
        if is_due or series.is_full():
            series.next_file()
            is_due = True
        if series.after_batch(triggered=is_wanted) or is_due:
            self.engine.begin_file(tells_users=series.needs_users_first)


def _compiled(filter_text: str) -> str:
    if not filter_text:
        return ""
    from sysdig_py.engine.filters import lua_source

    return lua_source(filter_text)


def _chisels(engine: Engine, plan: Plan, registry: Registry) -> ChiselRun:
    settings = ChiselSettings(
        filter_text=plan.filter_text,
        container_data=plan.container_data,
        json=plan.display.json and plan.display.buffer_format is None,
        buffer_format_forced=plan.display.json or plan.display.buffer_format is not None,
        allow_io=plan.allow_io,
        profile=plan.profile_chisels,
    )
    chisels = ChiselRun(engine, registry, settings)
    for name, argument_text in plan.chisels:
        chisels.add(name, argument_text)
    return chisels
