import io
from pathlib import Path

import pytest

from sysdig_py.errors import TraceError
from sysdig_py.trace.background import BackgroundWriter
from sysdig_py.trace.format import Stats
from sysdig_py.trace.span_queue import Span
from tests.unit.trace.traces import TOTALS, span


class _Lengths(BackgroundWriter):
    """Writes the length of every span, one digit each."""

    def __init__(self, file: io.BytesIO | Path, problem: Exception | None = None) -> None:
        super().__init__(file, block_bytes=1, flush_seconds=0.01)
        self._problem = problem
        self._begin()

    def _start(self) -> None:
        self._sink.write(b"start ")

    def _write(self, spans: list[Span]) -> None:
        if self._problem:
            raise self._problem
        self._sink.write(b"".join(b"%d " % s.count for s in spans))

    def _finish(self, stats: Stats) -> None:
        self._sink.write(b"end")


def test_start_spans_and_end_come_in_order() -> None:
    file = io.BytesIO()
    writer = _Lengths(file)
    for count in (1, 2, 3):
        writer.write_block(span(count), 0, 0, count)
    writer.close(TOTALS)
    writer.close(TOTALS)
    assert file.getvalue() == b"start 1 2 3 end"
    assert (writer.records, writer.raw_bytes, writer.bytes_written) == (6, len(span(1) + span(2) + span(3)), 15)


def test_a_context_that_is_left_early_leaves_no_end() -> None:
    file = io.BytesIO()
    with _Lengths(file) as writer:
        writer.write_block(span(1), 0, 0, 1)
    assert file.getvalue() == b"start 1 "


def test_an_error_of_the_thread_is_raised_where_the_caller_hears_it() -> None:
    writer = _Lengths(io.BytesIO(), OSError(28, "No space left on device"))
    writer.write_block(span(1), 0, 0, 1)
    with pytest.raises(TraceError, match="write failed at byte 6: No space left on device"):
        writer.close(TOTALS)


def test_a_file_that_cannot_be_begun_is_closed(tmp_path: Path) -> None:
    class Refusing(_Lengths):
        def _start(self) -> None:
            raise OSError(28, "No space left on device")

    with pytest.raises(TraceError, match="No space left on device"):
        Refusing(tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == b""
