"""Coverage-guided fuzzing of what reads traces: `python -m tests.fuzz.atheris_traces TARGET [libFuzzer options]`.

    scap     any bytes as a .scap: read, converted into records, walked, and written as a .scap again
    native   any bytes as a native trace: read and walked
    records  any bytes as the records of a sound native trace: what checksums would keep a fuzzer from

An input may give events or a `SysdigPyError` with one line of text; anything else is a finding, so is a fault of the
engine's Lua code, an input that takes 10 seconds, and 1 GiB of memory. `make fuzz` runs it.
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["sysdig_py.trace", "sysdig_py.capture", "sysdig_py.container"]):
    from sysdig_py.capture.replay import Replay
    from sysdig_py.capture.replay_scap import ScapReplay
    from sysdig_py.trace.reader import NativeReader
    from sysdig_py.trace.scap.reader import ScapReader
    from sysdig_py.trace.scap.writer import ScapWriter

from sysdig_py.engine.encoder import EventEncoder
from sysdig_py.engine.state_keeper import StateKeeper
from sysdig_py.engine.vm import Engine
from sysdig_py.errors import SysdigPyError
from sysdig_py.schema.record import HEADER_SIZE
from sysdig_py.trace.format import Totals
from tests.oracle.make_scap import EventWriter, Layout, Machine, Process, file_fd, scap
from tests.traces import story
from tests.unit.trace.traces import trace

_ENGINES: dict[str, Engine] = {}
_OPTIONS = ["-timeout=10", "-rss_limit_mb=1024", "-max_len=65536", "-print_final_stats=1"]
_TOTALS = Totals(0, 0, {}, 0.0)


def _engine(dialect: str) -> Engine:
    """Return an engine with a sink for lines and one for records; one serves all inputs of a kind."""
    if dialect not in _ENGINES:
        engine = _ENGINES[dialect] = Engine(dialect=dialect)
        engine.print_lines("%evt.num %evt.time %evt.type %evt.args %proc.name %fd.name %container.name")
        engine.write_records(1 << 20, selective=True)
    return _ENGINES[dialect]


def _walk(source: Replay | ScapReplay) -> None:
    engine = _engine(source.dialect)
    engine.begin(source.machine, is_live=False, source_name="fuzz")
    written = io.BytesIO()
    writer = ScapWriter(written, source.machine, EventEncoder(source.dialect, waiting_bytes=1 << 16))
    try:
        engine.begin_file(tells_users=True)
        source.start(engine)
        while source.pump(engine):
            engine.take_output()
            records = engine.take_records()
            if records.data:
                writer.write_block(*records)
        writer.close(_TOTALS)
    finally:
        writer.abort()
        source.close()


def _read_scap(data: bytes) -> None:
    _walk(ScapReplay(ScapReader(io.BytesIO(data), "fuzz")))


def _read_native(data: bytes) -> None:
    _walk(Replay(NativeReader(io.BytesIO(data), "fuzz")))


def _read_records(data: bytes) -> None:
    if len(data) >= HEADER_SIZE:
        _read_native(trace([data], count=max(1, len(data) // 64)))


_TARGETS: dict[str, Callable[[bytes], None]] = {"scap": _read_scap, "native": _read_native, "records": _read_records}


def _try(target: Callable[[bytes], None]) -> Callable[[bytes], None]:
    def one(data: bytes) -> None:
        try:
            target(data)
        except SysdigPyError as error:
            text = str(error)
            assert text and "\n" not in text and "stack traceback" not in text, text

    return one


def _seeds() -> dict[str, list[bytes]]:
    events = EventWriter()
    events.add("SYSCALL_READ_E", 10, 3, 80)
    events.add("SYSCALL_READ_X", 10, 5, b"hello")
    events.add("SYSCALL_OPEN_E", 10, "/etc/motd", 1, 0)
    events.add("SYSCALL_OPEN_X", 10, 4, "/etc/motd", 1, 0)
    layouts = [Layout(), Layout(compressed=True), Layout(processes=5, fds=1, interfaces=1, users=1)]
    files = []
    for layout in layouts:
        kind, payload = file_fd(layout, "/etc/hosts")
        machine = Machine((Process(10, 10, "cat", fds=((3, kind, payload),)),))
        files.append(scap(layout, machine, events))
    return {"scap": files, "native": [trace([story().data], count=14)], "records": [story().data, _checkpoint()]}


def _checkpoint() -> bytes:
    """Return all that the story tells, and the story once more."""
    keeper = StateKeeper({})
    keeper.feed(story().data)
    return b"".join(records for records, _ in keeper.state(1 << 20).parts) + story().data


def main(name: str, options: list[str]) -> None:
    """Fuzz one target until the options say it is enough."""
    with tempfile.TemporaryDirectory() as corpus:
        for i, seed in enumerate(_seeds()[name]):
            Path(corpus, str(i)).write_bytes(seed)
        atheris.Setup([sys.argv[0], *_OPTIONS, *options, corpus], _try(_TARGETS[name]))
        atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
