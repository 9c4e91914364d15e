import gzip
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from sysdig_py.errors import TraceError
from sysdig_py.trace.detect import open_trace
from sysdig_py.trace.format import MAGIC
from sysdig_py.trace.reader import NativeReader
from sysdig_py.trace.scap.reader import ROOM, ScapReader
from tests.unit.trace.traces import span, trace

SECTION = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 2, -1, 28)
SCAP = SECTION + struct.pack("<II", 0x201, 100)
PCAPNG = SECTION + struct.pack("<II", 1, 100)


def test_a_native_trace_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    path.write_bytes(trace([span(10)]))
    reader = open_trace(path)
    assert isinstance(reader, NativeReader)
    with reader:
        assert [block.meta.count for block in reader] == [10]
        assert reader.complete


@pytest.mark.parametrize("content", [SCAP, gzip.compress(SCAP)])
def test_a_scap_is_opened(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "trace"
    path.write_bytes(content)
    reader = open_trace(path)
    assert isinstance(reader, ScapReader)
    assert b"".join(bytes(chunk[ROOM:]) for chunk in reader) == SCAP
    reader.close()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (PCAPNG, "pcapng files are not supported yet"),
        (struct.pack("<I", 0xA1B2C3D4) + bytes(20), "pcap files are not supported yet"),
        (struct.pack(">I", 0xA1B23C4D) + bytes(20), "pcap files are not supported yet"),
        (gzip.compress(b"text"), "gzip-compressed files are not supported yet"),
        (b"\x1f\x8b broken", "gzip-compressed files are not supported yet"),
        (b"", "the file is empty"),
        (MAGIC[:5], "cut at byte 5"),
        (MAGIC, "unreadable trace header at byte 8"),
        (b"just some text", "not a trace: byte 0 starts with 6a 75 73 74"),
    ],
)
def test_everything_else_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "trace"
    path.write_bytes(content)
    with pytest.raises(TraceError) as caught:
        open_trace(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_what_cannot_be_opened_is_named(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(TraceError, match=f"^{path}: cannot open: "):
            open_trace(path)


def test_standard_input_is_read_as_a_pipe() -> None:
    code = "from sysdig_py.trace.detect import open_trace; print(sum(b.meta.count for b in open_trace('-')))"
    data = trace([span(10), span(10)])
    done = subprocess.run([sys.executable, "-c", code], input=data, stdout=subprocess.PIPE, check=True)
    assert done.stdout.split() == [b"20"]


def _open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    path.write_bytes(MAGIC + b"garbage")
    before = _open_files()
    for _ in range(3):
        with pytest.raises(TraceError):
            open_trace(path)
    assert _open_files() == before
