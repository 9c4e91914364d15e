"""Run the pipeline once per source, as the options ask."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, BinaryIO, Final

from sysdig_py import filter as event_filter
from sysdig_py.capture.live import LiveCapture, LiveOptions
from sysdig_py.capture.replay import Replay
from sysdig_py.capture.source import Source
from sysdig_py.engine.vm import HostCallbacks
from sysdig_py.errors import UsageError
from sysdig_py.output.display import Display
from sysdig_py.output.text import TextOutput
from sysdig_py.pipeline import Pipeline, Plan
from sysdig_py.trace.format import make_header
from sysdig_py.trace.writer import NativeWriter
from sysdig_py.ui.cli.listing import registry
from sysdig_py.ui.cli.options import Options

PLAIN_FORMAT: Final = "*%evt.num %evt.outputtime %evt.cpu %proc.name (%thread.tid) %evt.dir %evt.type %evt.info"
CONTAINER_FORMAT: Final = (
    "*%evt.num %evt.outputtime %evt.cpu %container.name (%container.id) %proc.name"
    " (%thread.tid:%thread.vtid) %evt.dir %evt.type %evt.info"
)


@dataclass(slots=True)
class Outcome:
    """What a run leaves behind: reports of failed chisels, and a command line a chisel asked for."""

    failures: list[str] = field(default_factory=list)
    run_app: str | None = None


def run(options: Options, stopped: Callable[[], bool]) -> Outcome:
    """Run every source the options name.

    Raises:
        SysdigPyError: what cannot be done, by class; see `sysdig_py.errors`.
    """
    _check_write(options)
    plan, outcome = make_plan(options), Outcome()
    for path in options.read or (None,):
        if not stopped():
            _run_source(path, options, plan, stopped, outcome)
    return outcome


def _check_write(options: Options) -> None:
    if options.write is None:
        return
    if options.write.endswith(".scap"):
        raise UsageError(f"-w {options.write}: only the native format can be written; use a name that ends in .spy")
    if any(_same_file(options.write, path) for path in options.read):
        raise UsageError(f"-w {options.write} is also read with -r; write to another file")


def _same_file(one: str, other: str) -> bool:
    try:
        return Path(one).samefile(other)
    except OSError:
        return False


def make_plan(options: Options) -> Plan:
    """Return what the pipeline is to do, from the options."""
    default = CONTAINER_FORMAT if options.container_data else PLAIN_FORMAT
    quiet = options.quiet or options.write is not None
    return Plan(
        filter_text=options.filter_text,
        line_format=None if quiet and options.format is None else options.format or default,
        chisels=tuple((c.name, c.arguments) for c in options.chisels),
        max_events=options.max_events,
        max_seconds=options.max_seconds,
        display=Display(
            time_style=options.time_style,
            buffer_format=None if options.buffer_format == "normal" else options.buffer_format,
            whole_buffers=options.verbose or bool(options.chisels),
            json=options.json,
        ),
        container_data=options.container_data,
        allow_io=options.allow_io,
    )


def _run_source(path: str | None, options: Options, plan: Plan, stopped: Callable[[], bool], outcome: Outcome) -> None:
    with ExitStack() as stack:
        source = _open_source(path, options)
        stack.callback(source.close)
        output = TextOutput(_standard_output(options), flush_each_batch=_is_watched(source, options))
        pipeline = Pipeline(source, plan, output, _host(), registry())
        if options.write is not None:
            writer = NativeWriter(options.write, _header(source, options))
            stack.callback(lambda: writer.close(source.stats()))
            pipeline.write_to(writer)
        stack.callback(output.close)
        outcome.run_app = pipeline.run(stopped).run_app or outcome.run_app
        _summary(source, options)
        outcome.failures += pipeline.chisels.take_failures()


def _is_watched(source: Source, options: Options) -> bool:
    """Whether somebody may read the output as it comes."""
    return options.unbuffered or source.is_live or sys.stdout.isatty()


def version() -> str:
    """Return the version of the installed package."""
    return metadata.version("sysdig-py")


def _open_source(path: str | None, options: Options) -> LiveCapture | Replay:
    if path is not None:
        return Replay(path, on_warning=lambda line: print(f"sysdig-py: {line}", file=sys.stderr))
    return LiveCapture(LiveOptions(snaplen=options.snaplen, max_seconds=options.max_seconds))


def _header(source: LiveCapture | Replay, options: Options) -> dict[str, Any]:
    """Return the header of the trace to write; a trace made from a trace keeps when and how it was captured."""
    tool = f"sysdig-py {version()}"
    start_ts, snaplen = time.time_ns(), 0
    if isinstance(source, Replay):
        start_ts, snaplen = source.header["start_ts"], source.header["snaplen"]
    else:
        snaplen = source.options.data_bytes
    return make_header(source.machine, start_ts, snaplen, options.filter_text, tool)


def _standard_output(options: Options) -> BinaryIO:
    # with the trace on standard output, text goes where it does not spoil it
    return sys.stderr.buffer if options.write == "-" else sys.stdout.buffer


def _host() -> HostCallbacks:
    return HostCallbacks(
        compile_filter=lambda text: event_filter.compile(text).lua_source,
        find_chisel=_find_chisel,
        window=_window,
        is_tty=sys.stdout.isatty,
    )


def _find_chisel(name: str) -> tuple[str, bytes]:
    script = registry().find(name)
    return script.path, script.source


def _window() -> tuple[int, int]:
    if not sys.stdout.isatty():
        return -1, -1
    size = shutil.get_terminal_size()
    return size.columns, size.lines


def _summary(source: Source, options: Options) -> None:
    stats = source.stats()
    lost = sum(stats.lost.values())
    if source.is_live or options.verbose or lost:
        causes = "".join(f" ({cause}: {count})" for cause, count in stats.lost.items() if count)
        text = f"{stats.events} events, {stats.bytes} bytes, {lost} lost{causes}, {stats.seconds:.3f} seconds"
        print(text, file=sys.stderr)
