"""`sysdig-py sql 'SELECT ...' [-r TRACE] [-j | --csv] [filter]`."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from typing import Final, TextIO

from rich.table import Table
from rich.text import Text

from sysdig_py.errors import UsageError
from sysdig_py.export.sql import Answer, Database
from sysdig_py.export.state_tables import TABLES
from sysdig_py.ui.cli import own_options
from sysdig_py.ui.cli.interrupt import stop_signals
from sysdig_py.ui.cli.rendered import write_rendered

USAGE: Final = (
    "use: sysdig-py sql 'SELECT ...' [-r TRACE | -M SECONDS] [-j | --csv] [filter]; "
    f"tables: events (its columns are fields), {', '.join(TABLES)}"
)
FLAGS: Final = ("--csv",)
_INTERRUPTED: Final = 130  # what a shell reports for a process ended by SIGINT
_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?(e[+-]?\d+)?")
_WIDE: Final = 1 << 16  # columns of a file; nothing in it is broken into lines


def run_sql_command(words: Sequence[str], out: TextIO) -> int:
    """Run the words behind `sysdig-py sql` and return the exit code.

    Raises:
        UsageError: the words or the SQL make no sense.
        TraceError: the trace cannot be read.
        EnvironmentLack: pyarrow or duckdb is missing.
    """
    own, rest = own_options.take(words, (), FLAGS)
    options = own_options.source_options("sql", rest, FLAGS, own_options.SOURCE_OPTIONS | {"json"})
    if not options.words:
        raise UsageError(USAGE)
    if options.json and "--csv" in own:
        raise UsageError("sql answers with -j or --csv, not with both")
    request = own_options.request(options._replace(words=options.words[1:]))
    with Database(options.words[0]) as database:
        with stop_signals() as stop, own_options.progress(options) as on_progress:
            database.fill(request, lambda: bool(stop), on_progress)
        stats = database.stats
        if stats and (not options.read or options.verbose or any(stats.lost.values()) or stats.reduced):
            own_options.report(stats, {})
        try:
            answer = database.ask(json=options.json)
            (_json if options.json else _csv if "--csv" in own else _table)(answer, out)
        except KeyboardInterrupt:
            return _INTERRUPTED
    return 0


def _json(answer: Answer, out: TextIO) -> None:
    for (text,) in answer:
        out.write(f"{text}\n")


def _csv(answer: Answer, out: TextIO) -> None:
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(answer.columns)
    writer.writerows(answer)


def _table(answer: Answer, out: TextIO) -> None:
    if not answer.columns:
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    rows = list(answer)
    for at, name in enumerate(answer.columns):
        is_number = all(_NUMBER.fullmatch(row[at] or "0") for row in rows)
        table.add_column(Text(name), overflow="fold", justify="right" if is_number else "left")
    for row in rows:
        table.add_row(*(Text("NULL", "dim") if value is None else Text(_shown(value)) for value in row))
    write_rendered(out, table, width=None if out.isatty() else _WIDE)


def _shown(value: str) -> str:
    """Replace what a terminal would act upon; line ends stay."""
    return "".join(char if char.isprintable() or char == "\n" else "." for char in value)
