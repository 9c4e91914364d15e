"""What the real program leaves behind when it is killed, or the disk is full: everything but the last block."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from sysdig_py.trace.format import make_header
from sysdig_py.trace.reader import NativeReader
from sysdig_py.trace.writer import NativeWriter
from tests.synthetic import START, reads_and_writes
from tests.traces import MACHINE
from tests.unit.trace.scap.written import blocks

COUNT = 20_000
PROGRAM = [sys.executable, "-m", "sysdig_py"]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A native trace without a footer, so that a program which reads it from a pipe goes on waiting."""
    path = tmp_path_factory.mktemp("crash") / "source.spy"
    with NativeWriter(path, make_header(MACHINE, START, 80, "", "test")) as writer:
        for seed in range(10):
            records = reads_and_writes(COUNT // 10, seed=seed)
            writer.write_block(records, START, START + 10**9, COUNT // 10)
    return path


def _records(path: Path) -> tuple[int, NativeReader]:
    with NativeReader(path) as reader:
        return sum(block.meta.count for block in reader), reader


def _killed(source: Path, target: Path) -> None:
    """Run the program until it has written what it was given, then kill it."""
    with subprocess.Popen([*PROGRAM, "-r", "-", "-w", str(target)], stdin=subprocess.PIPE) as process:
        assert process.stdin
        process.stdin.write(source.read_bytes())
        process.stdin.flush()
        size, since = -1, time.monotonic()
        # until nothing was added for longer than anything may wait
        while time.monotonic() - since < 2.5:
            now = target.stat().st_size if target.exists() else -1
            if now != size:
                size, since = now, time.monotonic()
            time.sleep(0.05)
        process.kill()


def test_a_killed_capture_keeps_all_that_waited_longer_than_a_second(source: Path, tmp_path: Path) -> None:
    _killed(source, tmp_path / "x.spy")
    records, reader = _records(tmp_path / "x.spy")
    assert records == COUNT
    assert not reader.complete
    assert [hole.reason for hole in reader.holes] == ["the trace ends without its footer"]


def test_a_killed_capture_that_is_cut_anywhere_loses_one_block(source: Path, tmp_path: Path) -> None:
    _killed(source, tmp_path / "x.spy")
    data = (tmp_path / "x.spy").read_bytes()
    with NativeReader(tmp_path / "x.spy") as reader:
        found = [(block.offset, block.meta.count) for block in reader]
    (tmp_path / "cut.spy").write_bytes(data[: len(data) - 7])
    records, _ = _records(tmp_path / "cut.spy")
    assert records == COUNT - found[-1][1]


@pytest.mark.parametrize("name", ["x.scap", "x.scap.gz"])
def test_a_killed_scap_is_readable_up_to_its_last_block(source: Path, tmp_path: Path, name: str) -> None:
    _killed(source, tmp_path / name)
    data = (tmp_path / name).read_bytes()
    plain = zlib.decompressobj(wbits=31).decompress(data) if name.endswith(".gz") else data
    # all events came within the five seconds in which events wait for enter events from before them
    assert [kind for kind, _ in blocks(plain)] == [0x0A0D0D0A, 0x201, 0x219, 0x220, 0x215]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("a file system of a chosen size needs root")
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160k", "none", str(folder)], check=False)
    if done.returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("name", ["x.spy", "x.scap"])
def test_a_full_disk_is_one_line_and_a_readable_file(source: Path, small_disk: Path, name: str) -> None:
    target = small_disk / name
    command = [*PROGRAM, "-r", str(source), "-w", str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    lines = [line for line in done.stderr.splitlines() if "write failed" in line]
    assert done.returncode == 3
    assert len(lines) == 1 and "No space left on device" in lines[0] and str(target) in lines[0]
    assert "Traceback" not in done.stderr
    if name.endswith(".spy"):
        records, reader = _records(target)
        assert records and len(reader.holes) == 1
    else:
        assert blocks(target.read_bytes())
