"""Run the pipeline once per source, as the options ask."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from importlib import metadata
from typing import BinaryIO, Final

from sysdig_py import filter as event_filter
from sysdig_py.capture.live import LiveCapture, LiveOptions
from sysdig_py.capture.replay import Replay
from sysdig_py.capture.source import CaptureStats, Source
from sysdig_py.engine.vm import HostCallbacks
from sysdig_py.errors import UsageError
from sysdig_py.output.display import Display
from sysdig_py.output.text import TextOutput
from sysdig_py.pipeline import Pipeline, Plan
from sysdig_py.trace.format import make_header
from sysdig_py.trace.writer import NativeWriter
from sysdig_py.ui.cli.listing import registry
from sysdig_py.ui.cli.options import Options

DEFAULT_SNAPLEN: Final = 80

PLAIN_FORMAT: Final = "*%evt.num %evt.outputtime %evt.cpu %proc.name (%thread.tid) %evt.dir %evt.type %evt.info"
CONTAINER_FORMAT: Final = (
    "*%evt.num %evt.outputtime %evt.cpu %container.name (%container.id) %proc.name"
    " (%thread.tid:%thread.vtid) %evt.dir %evt.type %evt.info"
)


def run(options: Options, stopped: Callable[[], bool]) -> list[str]:
    """Run every source the options name and return what failed inside chisels.

    Raises:
        SysdigPyError: what cannot be done, by class; see `sysdig_py.errors`.
    """
    plan = make_plan(options)
    if options.write and options.write.endswith(".scap"):
        raise UsageError(f"-w {options.write}: only the native format can be written; use a name that ends in .spy")
    failures: list[str] = []
    for path in options.read or (None,):
        if not stopped():
            failures += _run_source(path, options, plan, stopped)
    return failures


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


def _run_source(path: str | None, options: Options, plan: Plan, stopped: Callable[[], bool]) -> list[str]:
    with ExitStack() as stack:
        source = _open_source(path, options)
        stack.callback(source.close)
        writer = _open_writer(source, options)
        output = TextOutput(_standard_output(options), flush_each_batch=options.unbuffered or source.is_live or sys.stdout.isatty())
        pipeline = Pipeline(source, plan, output, writer, _host(), registry())
        try:
            stats = pipeline.run(stopped)
        finally:
            output.close()
            if writer is not None:
                writer.close(source.stats())
        _summary(source, stats, options)
        return pipeline.chisels.take_failures()


def version() -> str:
    """Return the version of the installed package."""
    return metadata.version("sysdig-py")


def snaplen(options: Options) -> int:
    """Return how many bytes of each I/O buffer a live capture keeps."""
    return DEFAULT_SNAPLEN if options.snaplen is None else options.snaplen


def _open_source(path: str | None, options: Options) -> Source:
    if path is not None:
        return Replay(path, on_warning=lambda line: print(f"sysdig-py: {line}", file=sys.stderr))
    return LiveCapture(LiveOptions(snaplen=snaplen(options)))


def _open_writer(source: Source, options: Options) -> NativeWriter | None:
    if options.write is None:
        return None
    tool = f"sysdig-py {version()}"
    header = make_header(source.machine, time.time_ns(), snaplen(options), options.filter_text, tool)
    return NativeWriter(options.write, header)


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


def _summary(source: Source, stats: CaptureStats, options: Options) -> None:
    lost = sum(stats.lost.values())
    if source.is_live or options.verbose or lost:
        causes = "".join(f" ({cause}: {count})" for cause, count in stats.lost.items() if count)
        text = f"{stats.events} events, {stats.bytes} bytes, {lost} lost{causes}, {stats.seconds:.3f} seconds"
        print(text, file=sys.stderr)
