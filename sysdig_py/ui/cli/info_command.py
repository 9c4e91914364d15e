"""`sysdig-py info [-j] FILE [FILTER]`: what a trace holds, and whether it is complete."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

from sysdig_py.capture.replay import Replay
from sysdig_py.capture.traces import open_replay
from sysdig_py.engine.vm import HostCallbacks
from sysdig_py.errors import UsageError
from sysdig_py.output.census import Census, CensusTaker
from sysdig_py.output.text import TextOutput
from sysdig_py.pipeline import Pipeline, Plan
from sysdig_py.trace.info import TraceInfo, describe
from sysdig_py.trace.reader import NativeReader
from sysdig_py.ui.cli import own_options
from sysdig_py.ui.cli.interrupt import stop_signals
from sysdig_py.ui.cli.listing import registry
from sysdig_py.ui.cli.options import Options, parse

if TYPE_CHECKING:
    from rich.table import Table

    from sysdig_py.capture.replay_scap import ScapReplay

USAGE: Final = "use: sysdig-py info [-j] FILE [FILTER]"
_ROWS: Final = 15
_SECOND: Final = 1e9


def run_info_command(words: list[str], out: TextIO) -> int:
    """Run the words behind `sysdig-py info` and return the exit code.

    Raises:
        UsageError: the words make no sense.
        TraceError: the trace cannot be read.
    """
    options = parse(words, lambda _name, _rest: False)
    changed = options._replace(words=(), json=False)
    if not options.words or changed != Options():
        raise UsageError(USAGE)
    path, *filter_words = options.words
    facts = _facts(path, " ".join(filter_words))
    if options.json:
        out.write(json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
    else:
        _print(facts, out)
    return 0


def _facts(path: str, filter_text: str) -> dict[str, Any]:
    if path == "-":
        raise UsageError("info reads a trace twice: name a file")
    census, source = _counted(path, filter_text)
    facts: dict[str, Any] = {"file": path, "format": "native" if isinstance(source, Replay) else "scap"}
    facts["file_bytes"] = Path(path).stat().st_size
    facts |= _native(path) if isinstance(source, Replay) else {"complete": not source.warnings}
    facts["damage"] = source.warnings
    facts["machine"] = source.machine
    stats = source.stats()
    facts |= {"lost": stats.lost, "only_counted": stats.counted, "overhead_step": stats.reduced}
    facts |= {"start": _time(census.first_ts), "end": _time(census.last_ts)}
    facts["seconds"] = (census.last_ts - census.first_ts) / _SECOND
    facts["events"] = sum(census.events.values())
    facts |= {"processes": census.processes, "threads": census.threads}
    return facts | {"by_event": census.events, "by_program": census.programs, "by_container": census.containers}


def _counted(path: str, filter_text: str) -> tuple[Census, Replay | ScapReplay]:
    source = open_replay(path)
    try:
        pipeline = Pipeline(Plan(filter_text), _nowhere(), HostCallbacks(), registry(), source.dialect)
        taker = CensusTaker(pipeline.engine)
        pipeline.open(source)
        with stop_signals() as stop, own_options.progress(Options(read=(path,))) as on_progress:
            pipeline.run(lambda: bool(stop), on_progress)
        return taker.take(), source
    finally:
        source.close()


def _nowhere() -> TextOutput:
    return TextOutput(io.BytesIO(), flush_each_batch=False)


def _native(path: str) -> dict[str, Any]:
    with NativeReader(path) as reader:
        info = describe(reader)
    header = info.header
    facts = {key: header.get(key) for key in ("tool", "filter", "snaplen", "format", "schema_version")}
    return {"header": facts, "complete": info.complete, "blocks": info.blocks, **_sizes(info)}


def _sizes(info: TraceInfo) -> dict[str, Any]:
    return {"records": info.records, "raw_bytes": info.raw_bytes, "compression": round(info.compression, 2)}


def _time(ts: int) -> str:
    """Return a local time, "" for none."""
    return datetime.fromtimestamp(ts / _SECOND).astimezone().isoformat(timespec="milliseconds") if ts else ""


def _print(facts: Mapping[str, Any], out: TextIO) -> None:
    from rich.text import Text

    from sysdig_py.ui.cli.rendered import write_rendered

    rankings = (("Events", "by_event"), ("Programs", "by_program"), ("Containers", "by_container"))
    tables = [_ranking(title, facts[key]) for title, key in rankings if facts[key]]
    write_rendered(out, _overview(facts), *tables, *(Text(line, "yellow") for line in facts["damage"]))


def _overview(facts: Mapping[str, Any]) -> Table:
    from rich.table import Table

    table = Table(title=facts["file"], show_header=False, title_justify="left")
    for name, value in _overview_rows(facts):
        table.add_row(name, value)
    return table


def _overview_rows(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    header, machine = facts.get("header", {}), facts["machine"]
    lost = sum(facts["lost"].values())
    causes = ", ".join(f"{cause}: {count:,}" for cause, count in facts["lost"].items() if count)
    rows = [
        ("format", f"{facts['format']} {header.get('format') or ''}".strip()),
        ("written by", header.get("tool") or ""),
        ("machine", f"{machine.get('hostname', '')}, {machine.get('num_cpus', '?')} CPUs"),
        ("from", facts["start"]),
        ("to", facts["end"]),
        ("duration", f"{facts['seconds']:,.3f} s"),
        ("events", f"{facts['events']:,} of {facts['processes']:,} processes, {facts['threads']:,} threads"),
        ("lost", f"{lost:,}{f' ({causes})' if causes else ''}"),
        ("left out", _left_out(facts)),
        ("filter", header.get("filter") or ""),
        ("size", _size(facts)),
        ("complete", "yes" if facts["complete"] else "no"),
    ]
    return [row for row in rows if row[1]]


def _left_out(facts: Mapping[str, Any]) -> str:
    step = facts["overhead_step"]
    return f"{facts['only_counted']:,} calls only counted (overhead step {step} of 4)" if step else ""


def _size(facts: Mapping[str, Any]) -> str:
    size, events = facts["file_bytes"], facts["events"]
    text = f"{size:,} bytes"
    if events:
        text += f", {size / events:.1f} per event"
    return text + (f", compressed {facts['compression']:.1f} to 1" if facts.get("compression") else "")


def _ranking(title: str, counts: Mapping[str, int]) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=f"{title} ({len(counts):,})", title_justify="left")
    table.add_column("events", justify="right")
    table.add_column("name")
    for name, count in list(counts.items())[:_ROWS]:
        table.add_row(f"{count:,}", escape(name))
    if len(counts) > _ROWS:
        table.add_row(f"{sum(list(counts.values())[_ROWS:]):,}", f"{len(counts) - _ROWS:,} others", style="dim")
    return table
