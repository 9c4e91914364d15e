"""Traces made by hand, written with the real writer, for tests of everything that reads one."""

from __future__ import annotations

from pathlib import Path

from sysdig_py.engine.state_keeper import StateKeeper
from sysdig_py.schema.record import unpack_record
from sysdig_py.schema.state import FdType, State
from sysdig_py.trace.checkpoints import CheckpointWriter, Pace
from sysdig_py.trace.format import Totals, make_header
from sysdig_py.trace.reader import NativeReader
from sysdig_py.trace.writer import NativeWriter
from tests.synthetic import START, Stream

MACHINE = {"num_cpus": 2, "memory_size_bytes": 1 << 30, "max_pid": 4096, "hostname": "box"}


def story() -> Stream:
    """A container's process that reads a file twice and fails once; ten events."""
    stream = Stream(step=1_000_000)
    stream.state(State.CONTAINER, id="c0ffee", name="web", image="busybox", type="docker")
    stream.state(State.CGROUP, cgroup_id=7, path="/docker/c0ffee", container_id="c0ffee")
    stream.thread(10, cgroup=7, comm="cat", exe="/bin/cat")
    stream.state(State.FD, tid=10, pid=10, fd=3, type=FdType.FILE, name="/etc/motd")
    for count in range(5):
        stream.event("SYSCALL_READ_X", tid=10, cgroup=7, res=5, data=b"hello", fd=3, size=5, latency=2000 + count)
        stream.event("SYSCALL_WRITE_X", tid=10, cgroup=7, res=-9, data=b"", fd=9, size=5, latency=1000)
    return stream


def write_story(path: Path) -> Path:
    """Write the story as a native trace."""
    stream = story()
    writer = NativeWriter(path, make_header(MACHINE, START, 80, "", "test"))
    writer.write_block(stream.data, START + stream.step, stream.ts, 14)
    writer.close(Totals(events=10, bytes=len(stream.data), lost={}, seconds=0.01))
    return path


def records_of(data: bytes) -> list[bytes]:
    """Return the records one by one."""
    found, at = [], 0
    while at < len(data):
        size = unpack_record(data, at).size
        found.append(data[at : at + size])
        at += size
    return found


def with_checkpoints(trace: Path, target: Path, block_records: int, blocks_apart: int = 1) -> Path:
    """Write a trace again in small blocks, with a checkpoint behind every few of them."""
    with NativeReader(trace) as reader:
        records = records_of(b"".join(bytes(block.records) for block in reader))
        header, totals = reader.header, reader.totals
    mean = sum(map(len, records)) // len(records) * block_records
    pace = Pace(raw=mean * (blocks_apart - 1) + 1, size=0, time=0)
    checkpoints = CheckpointWriter(StateKeeper(header["machine"], idle_bytes=0), pace)
    with NativeWriter(target, header, block_bytes=1, checkpoints=checkpoints) as writer:
        for start in range(0, len(records), block_records):
            part = records[start : start + block_records]
            times = [ts for ts in (unpack_record(record).ts for record in part) if ts]
            writer.write_block(b"".join(part), min(times, default=0), max(times, default=0), len(part))
        writer.close(totals or Totals(0, 0, {}, 0.0))
    return target
