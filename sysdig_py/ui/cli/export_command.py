"""`sysdig-py export --parquet OUT [-r TRACE] [--fields a,b,c] [filter]`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any, Final, TextIO

from sysdig_py.errors import UsageError
from sysdig_py.export import parquet
from sysdig_py.export.events import Events
from sysdig_py.export.fields import COMMON
from sysdig_py.export.whole_file import whole_file
from sysdig_py.ui.cli import own_options
from sysdig_py.ui.cli.interrupt import stop_signals
from sysdig_py.ui.cli.options import Options

USAGE: Final = "use: sysdig-py export --parquet OUT [--fields a,b,c] [-r TRACE] [-n N] [-M SECONDS] [-s N] [filter]"
VALUED: Final = ("--parquet", "--fields")


def run_export_command(words: Sequence[str], _out: TextIO) -> int:
    """Run the words behind `sysdig-py export` and return the exit code.

    Raises:
        UsageError: the words make no sense.
        TraceError: the trace cannot be read, or the file not be written.
        EnvironmentLack: pyarrow is missing.
    """
    own, rest = own_options.take(words, VALUED)
    if "--parquet" not in own:
        raise UsageError(USAGE)
    options = own_options.source_options("export", rest, VALUED)
    _parquet(own, options)
    return 0


def _parquet(own: Mapping[str, str], options: Options) -> None:
    names = [name.strip() for name in own["--fields"].split(",")] if "--fields" in own else COMMON
    selection = Events(own_options.request(options)).select(names)
    selection.schema  # noqa: B018 - a missing library is told before anything is captured
    with whole_file(own["--parquet"]) as file, stop_signals() as stop, own_options.progress(options) as on_progress:
        rows = parquet.write(selection, file, _facts(options), lambda: bool(stop), on_progress)
    own_options.report(selection.stats, {"rows": rows})


def _facts(options: Options) -> dict[str, Any]:
    return {
        "tool": f"sysdig-py {metadata.version('sysdig-py')}",
        "filter": options.filter_text,
        "trace": options.read[0] if options.read else "",
    }
