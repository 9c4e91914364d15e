"""Traces made by hand, written with the real writer, for tests of everything that reads one."""

from __future__ import annotations

from pathlib import Path

from sysdig_py.schema.state import FdType, State
from sysdig_py.trace.format import Totals, make_header
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
