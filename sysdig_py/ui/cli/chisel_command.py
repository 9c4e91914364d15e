"""`sysdig-py chisel new NAME` and `sysdig-py chisel test FILE --trace T [ARGS]`."""

from __future__ import annotations

import io
import sys
import time
from typing import TYPE_CHECKING, Final, TextIO

from sysdig_py.capture.traces import open_replay
from sysdig_py.chisel.template import create
from sysdig_py.chisel.timing import cost_report
from sysdig_py.engine.filters import lua_source
from sysdig_py.engine.vm import HostCallbacks
from sysdig_py.errors import ChiselError, UsageError
from sysdig_py.output.text import TextOutput
from sysdig_py.pipeline import Pipeline, Plan
from sysdig_py.ui.cli.listing import registry

if TYPE_CHECKING:
    from typing_extensions import Buffer

USAGE: Final = "use: sysdig-py chisel new NAME, or: sysdig-py chisel test FILE --trace TRACE [ARGUMENTS]"


def run_chisel_command(words: list[str], out: TextIO) -> int:
    """Run the words behind `sysdig-py chisel` and return the exit code.

    Raises:
        UsageError: the words make no sense, or the file cannot be written.
        ChiselError: the chisel under test failed.
        TraceError: its trace cannot be read.
    """
    if len(words) == 2 and words[0] == "new":
        path = create(words[1])
        out.write(f"{path}\n")
        return 0
    if len(words) >= 2 and words[0] == "test":
        name, trace, arguments = _test_words(words[1:])
        _test(name, trace, arguments, out)
        return 0
    raise UsageError(USAGE)


def _test_words(words: list[str]) -> tuple[str, str, str | None]:
    if words.count("--trace") != 1 or words[-1] == "--trace":
        raise UsageError(USAGE)
    at = words.index("--trace")
    rest = words[:at] + words[at + 2 :]
    if not rest:
        raise UsageError(USAGE)
    return rest[0], words[at + 1], " ".join(rest[1:]) if len(rest) > 1 else None


def _test(name: str, trace: str, arguments: str | None, out: TextIO) -> None:
    source = open_replay(trace, on_warning=lambda line: print(f"sysdig-py: {line}", file=sys.stderr))
    try:
        plan = Plan(chisels=((name, arguments),), profile_chisels=True)
        output = TextOutput(io.BufferedWriter(_Bytes(out)), flush_each_batch=True)
        pipeline = Pipeline(plan, output, _host(), registry(), source.dialect)
        pipeline.open(source)
        began = time.perf_counter()
        pipeline.run(lambda: False, lambda _percent: None)
        seconds = time.perf_counter() - began
        out.write("\n" + cost_report(pipeline.chisels.timings(), source.stats().events, seconds))
    finally:
        source.close()
    failures = pipeline.chisels.take_failures()
    if failures:
        raise ChiselError("\n".join(failures))


def _host() -> HostCallbacks:
    def find(name: str) -> tuple[str, bytes]:
        script = registry().find(name)
        return script.path, script.source

    return HostCallbacks(compile_filter=lua_source, find_chisel=find)


class _Bytes(io.RawIOBase):
    """A text file as a place for the bytes of finished text."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def writable(self) -> bool:
        return True

    def write(self, text: Buffer) -> int:
        data = bytes(text)
        self._out.write(data.decode(errors="replace"))
        return len(data)
