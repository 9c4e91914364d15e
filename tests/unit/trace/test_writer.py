import io
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysdig_py.errors import TraceError
from sysdig_py.schema.events import SCHEMA_VERSION
from sysdig_py.trace.format import FORMAT_VERSION, MAX_BLOCK_RAW
from sysdig_py.trace.reader import NativeReader
from sysdig_py.trace.writer import NativeWriter
from tests.unit.trace.traces import HEADER, START, TOTALS, read, span


@given(st.lists(st.integers(1, 30), max_size=12), st.sampled_from([1, 2000, 1 << 20]), st.integers(-3, 5))
def test_what_is_written_is_what_is_read(counts: list[int], block_bytes: int, level: int) -> None:
    file = io.BytesIO()
    spans = [span(count, START + i * 10**6, i) for i, count in enumerate(counts)]
    with NativeWriter(file, HEADER, block_bytes=block_bytes, level=level) as writer:
        for i, records in enumerate(spans):
            writer.write_block(records, START + i * 10**6, START + i * 10**6 + 1000, counts[i])
        writer.close(TOTALS)
    reader, blocks = read(file.getvalue())
    assert b"".join(bytes(block.records) for block in blocks) == b"".join(spans)
    assert sum(block.meta.count for block in blocks) == sum(counts) == writer.records
    assert reader.complete
    assert writer.bytes_written == len(file.getvalue())
    assert len(blocks) == (len(spans) if block_bytes == 1 else min(len(blocks), len(spans)))


def test_the_header_says_who_wrote_what() -> None:
    file = io.BytesIO()
    NativeWriter(file, HEADER).close(TOTALS)
    header = read(file.getvalue())[0].header
    assert (header["format"], header["schema_version"], header["tool"]) == (
        FORMAT_VERSION, SCHEMA_VERSION, "sysdig-py 0.1.0",
    )  # fmt: skip


def test_joined_spans_span_their_times() -> None:
    file = io.BytesIO()
    writer = NativeWriter(file, HEADER)
    for first, last in ((0, 0), (50, 90), (40, 60)):
        writer.write_block(span(1), first, last, 1)
    writer.close(TOTALS)
    _, blocks = read(file.getvalue())
    assert [(b.meta.first_ts, b.meta.last_ts, b.meta.count) for b in blocks] == [(40, 90, 3)]


def test_a_quiet_capture_reaches_the_file_in_time(tmp_path: Path) -> None:
    path = tmp_path / "a.spy"
    with NativeWriter(path, HEADER, flush_seconds=0.02) as writer:
        size = path.stat().st_size
        writer.write_block(span(3), START, START, 3)
        deadline = time.monotonic() + 5
        while path.stat().st_size == size and time.monotonic() < deadline:
            time.sleep(0.01)
        with NativeReader(path) as reader:
            assert [block.meta.count for block in reader] == [3]
            assert not reader.complete


def test_an_aborted_trace_keeps_its_records(tmp_path: Path) -> None:
    path = tmp_path / "a.spy"
    with pytest.raises(RuntimeError), NativeWriter(path, HEADER) as writer:
        writer.write_block(span(3), START, START, 3)
        raise RuntimeError
    with NativeReader(path) as reader:
        assert [block.meta.count for block in reader] == [3]
        assert (reader.complete, reader.cut_at) == (False, path.stat().st_size)


def test_spans_that_cannot_be_are_refused() -> None:
    with NativeWriter(io.BytesIO(), HEADER) as writer:
        for records, count in ((bytes(MAX_BLOCK_RAW + 1), 1), (bytes(64), 2)):
            with pytest.raises(ValueError, match="a span of"):
                writer.write_block(records, 0, 0, count)


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="directory"):
        NativeWriter(tmp_path, HEADER)


WRITE_MUCH = """
import sys
from sysdig_py.errors import TraceError
from sysdig_py.trace.writer import NativeWriter
from tests.unit.trace.traces import HEADER, TOTALS, span
try:
    writer = NativeWriter(sys.argv[1], HEADER, block_bytes=1)
    for number in range(int(sys.argv[2])):
        writer.write_block(span(100, seed=number), 1, 2, 100)
    writer.close(TOTALS)
except TraceError as error:
    sys.exit(str(error))
"""


def _write_much(target: str, spans: int, stdout: int | None = None, max_bytes: int = 0) -> "subprocess.Popen[bytes]":
    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (max_bytes, max_bytes))

    return subprocess.Popen(
        [sys.executable, "-c", WRITE_MUCH, target, str(spans)],
        stdout=stdout,
        stderr=subprocess.PIPE,
        preexec_fn=limit if max_bytes else None,
    )


def test_a_full_disk_is_an_error_and_leaves_whole_blocks(tmp_path: Path) -> None:
    path = tmp_path / "a.spy"
    process = _write_much(str(path), 200, max_bytes=50_000)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 1
    assert said.startswith(f"{path}: write failed at byte ".encode())
    with NativeReader(path) as reader:
        blocks = list(reader)
        assert len(blocks) > 5
        assert reader.cut_at == path.stat().st_size < 50_000


def test_standard_output_may_be_a_pipe() -> None:
    process = _write_much("-", 20, stdout=subprocess.PIPE)
    assert process.stdout
    reader = NativeReader(process.stdout, "pipe")
    assert sum(block.meta.count for block in reader) == 2000
    assert reader.complete
    process.communicate(timeout=30)
    assert process.returncode == 0


def test_a_reader_that_goes_away_is_an_error() -> None:
    read_end, write_end = os.pipe()
    process = _write_much("-", 5000, stdout=write_end)
    os.close(write_end)
    os.close(read_end)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 1
    assert said.startswith(b"standard output: write failed at byte ")
    assert b"Broken pipe" in said


def test_a_killed_writer_leaves_whole_blocks(tmp_path: Path) -> None:
    path = tmp_path / "a.spy"
    process = _write_much(str(path), 1_000_000)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and (not path.exists() or path.stat().st_size < 100_000):
        time.sleep(0.01)
    process.kill()
    process.communicate()
    with NativeReader(path) as reader:
        assert sum(1 for _ in reader) > 10
        assert not reader.complete
        assert reader.cut_at is not None
        assert path.stat().st_size - reader.cut_at < 20_000
