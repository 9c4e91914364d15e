"""`sysdig-py export --parquet OUT | --pcapng OUT [-r TRACE] [filter]`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TextIO

from sysdig_py.errors import UsageError
from sysdig_py.export import parquet, pcapng
from sysdig_py.export.events import Events
from sysdig_py.export.fields import COMMON
from sysdig_py.export.whole_file import whole_file
from sysdig_py.ui.cli import own_options, run
from sysdig_py.ui.cli.interrupt import stop_signals
from sysdig_py.ui.cli.options import Options

USAGE: Final = "use: sysdig-py export --parquet OUT [--fields a,b,c] | --pcapng OUT, [-r TRACE] [-M SECONDS] [filter]"
VALUED: Final = ("--parquet", "--fields", "--pcapng")


def run_export_command(words: Sequence[str], _out: TextIO) -> int:
    """Run the words behind `sysdig-py export` and return the exit code.

    Raises:
        UsageError: the words make no sense.
        TraceError: the trace cannot be read, or the file not be written.
        EnvironmentLack: pyarrow is missing.
    """
    own, rest = own_options.take(words, VALUED)
    if ("--parquet" in own) == ("--pcapng" in own):
        raise UsageError(USAGE)
    options = own_options.source_options("export", rest, VALUED)
    if "--parquet" in own:
        _parquet(own, options)
    elif "--fields" in own:
        raise UsageError("packets have no fields: --fields goes with --parquet")
    else:
        _pcapng(own["--pcapng"], options)
    return 0


def _parquet(own: Mapping[str, str], options: Options) -> None:
    names = [name.strip() for name in own["--fields"].split(",")] if "--fields" in own else COMMON
    selection = Events(own_options.request(options)).select(names)
    selection.schema  # noqa: B018 - a missing library is told before anything is captured
    with whole_file(own["--parquet"]) as file, stop_signals() as stop, own_options.progress(options) as on_progress:
        rows = parquet.write(selection, file, _facts(options), lambda: bool(stop), on_progress)
    own_options.report(selection.stats, {"rows": rows})


def _pcapng(path: str, options: Options) -> None:
    facts = {"application": _tool(), "comment": f"filter: {options.filter_text}" if options.filter_text else ""}
    request = own_options.request(options)
    with whole_file(path) as file, stop_signals() as stop, own_options.progress(options) as on_progress:
        made = pcapng.write(request, file, facts, lambda: bool(stop), on_progress)
    counts = {"packets": made.packets, "conversations": made.conversations}
    left_out = {
        "unix socket transfers left out": made.unix,
        "other socket transfers left out": made.other,
        "failed connections left out": made.failed,
    }
    own_options.report(made.stats, counts | {name: count for name, count in left_out.items() if count})


def _tool() -> str:
    return f"sysdig-py {run.version()}"


def _facts(options: Options) -> dict[str, Any]:
    return {
        "tool": _tool(),
        "filter": options.filter_text,
        "trace": options.read[0] if options.read else "",
    }
