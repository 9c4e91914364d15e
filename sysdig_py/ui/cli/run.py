"""Run the pipeline once per source, as the options ask."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from sysdig_py.capture.source import Source
from sysdig_py.capture.traces import open_replay
from sysdig_py.engine.vm import HostCallbacks
from sysdig_py.errors import UsageError
from sysdig_py.output.display import Display
from sysdig_py.output.text import TextOutput
from sysdig_py.pipeline import Pipeline, Plan
from sysdig_py.pipelines import Pipelines
from sysdig_py.ui.cli.formats import line_format, uses_colours
from sysdig_py.ui.cli.interrupt import saved_in_any_case
from sysdig_py.ui.cli.listing import registry
from sysdig_py.ui.cli.options import Options

if TYPE_CHECKING:
    # what only some runs need is imported where it is used: the first line of the others comes that much earlier
    from sysdig_py.capture.live import LiveCapture
    from sysdig_py.capture.replay import Replay
    from sysdig_py.capture.replay_scap import ScapReplay
    from sysdig_py.trace.background import BackgroundWriter
    from sysdig_py.trace.series import FileSeries
    from sysdig_py.ui.cli.window import Window

    _Opened = LiveCapture | Replay | ScapReplay


class Outcome:
    """What a run leaves behind: reports of failed chisels, and a command line a chisel asked for."""

    def __init__(self) -> None:
        """Nothing went wrong yet, nothing was asked for."""
        self.failures: list[str] = []
        self.run_app: str | None = None


def run(options: Options, stopped: Callable[[], bool]) -> Outcome:
    """Run every source the options name, one after the other, as one plan.

    Raises:
        SysdigPyError: what cannot be done, by class; see `sysdig_py.errors`.
    """
    _check_write(options)
    outcome = Outcome()
    with ExitStack() as stack:
        if options.chisels:
            from sysdig_py.ui.cli.limits import bounded_memory

            stack.enter_context(bounded_memory())
        output = _text_output(options)
        stack.callback(output.close)
        stack.enter_context(saved_in_any_case(output.close))
        # the first trace tells what kind of events the run is about
        first = open_trace(options.read[0]) if options.read else None
        stack.callback(first.close if first else lambda: None)
        plan = make_plan(options, is_terminal=_is_terminal(), window=_window_of(options, first))
        pipelines = Pipelines(
            lambda dialect: Pipeline(plan, output, _host(), registry(), dialect), first.dialect if first else ""
        )
        if options.explain:
            output.write(_explanation(options, pipelines))
            return outcome
        _run_source(first or open_live(options), options, pipelines, stopped, outcome)
        for path in options.read[1:]:
            if not stopped():
                _run_source(open_trace(path), options, pipelines, stopped, outcome)
        if options.summary:
            output.write(pipelines.summary_text())
    return outcome


def _explanation(options: Options, pipelines: Pipelines) -> bytes:
    from sysdig_py.ui.cli.explain import explain_live, explain_replay

    if options.read:
        return explain_replay(options.read).encode()
    source = open_live(options)
    pipeline = pipelines.for_source(source)
    pipeline.open(source)
    demand = pipeline.demand(saved=options.write is not None)
    return explain_live(demand, source.options, pushdown=options.pushdown, verbose=options.verbose).encode()


def _check_write(options: Options) -> None:
    if options.write is None:
        if any((options.file_size, options.file_seconds, options.file_events, options.file_count, options.last)):
            raise UsageError("-C, -G, -e, -W and --last are about the file that -w writes; give -w a name")
        return
    if len(options.read) > 1:
        raise UsageError("-w takes the events of one trace; run once per -r")
    if any(_same_file(options.write, path) for path in options.read):
        raise UsageError(f"-w {options.write} is also read with -r; write to another file")


def _same_file(one: str, other: str) -> bool:
    try:
        return Path(one).samefile(other)
    except OSError:
        return False


def _window_of(options: Options, source: _Opened | None) -> Window | None:
    if not options.since and not options.until:
        return None
    from sysdig_py.ui.cli.window import window

    return window(options, source)


def _both(one: str, other: str) -> str:
    return f"({one}) and ({other})" if one and other else one or other


def make_plan(options: Options, *, is_terminal: bool = False, window: Window | None = None) -> Plan:
    """Return what the pipeline is to do, from the options; `window`: of these events only."""
    filter_text, since_ns, since_rel, until_ns, until_rel = window or ("", 0, 0, 0, 0)
    quiet = options.quiet or options.write is not None
    return Plan(
        filter_text=_both(filter_text, _capture_filter(options)),
        since_ns=since_ns,
        since_rel=since_rel,
        until_ns=until_ns,
        until_rel=until_rel,
        display_filter=options.filter_text if options.display_only else "",
        line_format=None if quiet and options.format is None else line_format(options, is_terminal=is_terminal),
        chisels=tuple((c.name, c.arguments) for c in options.chisels),
        max_events=options.max_events,
        max_seconds=options.max_seconds,
        display=_display(options),
        summary=options.summary,
        container_data=bool(options.data),
        allow_io=options.allow_io,
        pushdown=options.pushdown,
    )


def _capture_filter(options: Options) -> str:
    given = "" if options.display_only else options.filter_text
    parts = [f"({given})"] if given and options.suppressed else [given] if given else []
    parts += [f'not proc.name="{name}"' for name in options.suppressed]
    return " and ".join(parts)


def _display(options: Options) -> Display:
    return Display(
        time_style=options.time_style,
        buffer_format=None if options.buffer_format == "normal" else options.buffer_format,
        whole_buffers=options.verbose or bool(options.chisels),
        json=options.json,
        service_names=options.service_names,
        user_names=options.user_names,
        internal_events=options.debug,
    )


def _run_source(
    source: _Opened, options: Options, pipelines: Pipelines, stopped: Callable[[], bool], outcome: Outcome
) -> None:
    with ExitStack() as stack:
        stack.callback(source.close)
        if options.chisels and not pipelines.knows(source):
            print(f"sysdig-py: {source.name}: events of another kind than before, chisels begin anew", file=sys.stderr)
        pipeline = pipelines.for_source(source)
        pipeline.open(source)
        if options.write is not None:
            _write(options.write, source, options, pipeline, stack)
        on_progress = stack.enter_context(_progress(source, options))
        outcome.run_app = pipeline.run(stopped, on_progress).run_app or outcome.run_app
        _report(source, options, pipeline)
        outcome.failures += pipeline.chisels.take_failures()


def _write(path: str, source: _Opened, options: Options, pipeline: Pipeline, stack: ExitStack) -> None:
    """Have the pipeline write to the file or files that the options ask for, which end with the context."""
    from sysdig_py.ui.cli.writing import dumps_on_request, open_series, open_writer

    pipeline.redact(options.redact)
    series = open_series(path, source, options)
    if series is not None:
        stack.enter_context(dumps_on_request(series))
        pipeline.write_series(series, options.dump_when)
        _end_with(series, source, stack)
        return
    writer = open_writer(path, source, options)
    _end_with(writer, source, stack)
    pipeline.write_to(writer)


def _end_with(writer: BackgroundWriter | FileSeries, source: _Opened, stack: ExitStack) -> None:
    stack.callback(lambda: writer.close(source.stats()))
    stack.enter_context(saved_in_any_case(writer.abort))


def _text_output(options: Options) -> TextOutput:
    file = _standard_output(options)
    return TextOutput(
        file,
        flush_each_batch=options.unbuffered or not options.read or _is_terminal(),
        resets_colour=uses_colours(options, is_terminal=_is_terminal()),
        behind=_is_read(file),
    )


def _is_read(file: BinaryIO) -> bool:
    """Whether somebody at the other end takes the text at a pace of their own: a terminal, a pipe."""
    try:
        mode = os.fstat(file.fileno()).st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or file.isatty()


def _is_terminal() -> bool:
    return sys.stdout.isatty()


def _progress(source: Source, options: Options) -> AbstractContextManager[Callable[[float], None]]:
    if not options.progress or source.is_live or not sys.stderr.isatty():
        return nullcontext(lambda _percent: None)
    # rich takes its time to load, and hardly any run wants it
    from sysdig_py.ui.cli.progress import shown

    return shown(source.name)


def version() -> str:
    """Return the version of the installed package."""
    from importlib import metadata

    return metadata.version("sysdig-py")


def open_trace(path: str) -> Replay | ScapReplay:
    """Open a trace; what is damaged in it is told on standard error."""
    return open_replay(path, on_warning=lambda line: print(f"sysdig-py: {line}", file=sys.stderr))


def open_live(options: Options) -> LiveCapture:
    """Return a live capture as the options ask for it; nothing happens to the kernel yet."""
    from sysdig_py.capture.live import LiveCapture, LiveOptions
    from sysdig_py.capture.snaplen_rules import parse

    return LiveCapture(
        LiveOptions(
            snaplen=options.snaplen,
            max_seconds=options.max_seconds,
            latency=options.latency,
            ring_bytes=options.ring_bytes,
            rings=options.rings,
            max_overhead=options.max_overhead,
            events=options.events,
            user_names=options.user_names,
            snaplen_rules=tuple(map(parse, options.snaplen_rules)),
        )
    )


def _standard_output(options: Options) -> BinaryIO:
    # with the trace on standard output, text goes where it does not spoil it
    return sys.stderr.buffer if options.write == "-" else sys.stdout.buffer


def _host() -> HostCallbacks:
    return HostCallbacks(
        compile_filter=_compile_filter,
        find_chisel=_find_chisel,
        window=_window,
        is_tty=_is_terminal,
        notice=lambda line: print(f"sysdig-py: {line}", file=sys.stderr),
    )


def _compile_filter(text: str) -> str:
    from sysdig_py.engine.filters import lua_source

    return lua_source(text)


def _find_chisel(name: str) -> tuple[str, bytes]:
    script = registry().find(name)
    return script.path, script.source


def _window() -> tuple[int, int]:
    if not _is_terminal():
        return -1, -1
    import shutil

    size = shutil.get_terminal_size()
    return size.columns, size.lines


def _report(source: Source, options: Options, pipeline: Pipeline) -> None:
    """Tell on standard error what a source gave: its counts, and what chisels logged when somebody debugs."""
    stats = source.stats()
    lost = sum(stats.lost.values())
    if source.is_live or options.verbose or lost or stats.reduced:
        causes = "".join(f" ({cause}: {count})" for cause, count in stats.lost.items() if count)
        missing = f"{lost} lost{causes}{stats.left_out()}"
        text = f"{stats.events} events, {stats.bytes} bytes, {missing}, {stats.seconds:.3f} seconds"
        print(text, file=sys.stderr)
    for severity, message in pipeline.chisels.take_logs() if options.debug else ():
        print(f"{severity}: {message}", file=sys.stderr)
