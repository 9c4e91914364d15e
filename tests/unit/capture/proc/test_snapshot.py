import os
import subprocess
import sys
import time
from pathlib import Path

from sysdig_py.capture import cgroups
from sysdig_py.capture.proc import snapshot, threads
from sysdig_py.schema.state import State
from tests.unit.state_records import parse


def test_order_and_owners() -> None:
    told = [parse(record) for record in snapshot(cgroups.detect())]
    kinds = [t.type for t in told]
    assert set(kinds) == {State.USER, State.GROUP, State.INTERFACE, State.THREAD, State.FD}
    assert kinds.index(State.USER) < kinds.index(State.GROUP) < kinds.index(State.INTERFACE) < kinds.index(State.THREAD)
    seen: set[int] = set()
    for record in told:
        if record.type == State.THREAD:
            seen.add(record.tid)
        elif record.type == State.FD:
            assert record.tid in seen


def test_this_process_is_in_it_with_its_cgroup_and_files() -> None:
    hierarchy = cgroups.detect()
    told = [parse(record) for record in snapshot(hierarchy)]
    own = [t for t in told if t.tid == os.getpid() and t.type == State.THREAD]
    assert [t.cgroup_id for t in own] == [cgroups.of_pid(hierarchy, os.getpid())[0]]
    assert {0, 1, 2} <= {t["fd"] for t in told if t.type == State.FD and t.tid == os.getpid()}
    netns = Path("/proc/self/ns/net").stat().st_ino
    assert any(t["netns"] == netns and t["addr"] == b"\x7f\0\0\1" for t in told if t.type == State.INTERFACE)


def test_threads_alone() -> None:
    told = [parse(record) for record in threads(cgroups.detect())]
    assert {record.type for record in told} == {State.THREAD}
    assert os.getpid() in {record["pid"] for record in told}


def test_three_hundred_processes_are_read_in_half_a_second() -> None:
    code = (
        "import os,signal\nfor _ in range(299):\n  if not os.fork(): signal.pause()\nprint(flush=True)\nsignal.pause()"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True)
    try:
        assert parent.stdout
        parent.stdout.readline()
        begin = time.process_time()
        records = list(snapshot(cgroups.detect()))
        took = time.process_time() - begin
    finally:
        os.killpg(parent.pid, 9)
        parent.wait()
        parent.stdout.close()
    assert sum(parse(record)["sid"] == parent.pid for record in records if parse(record).type == State.THREAD) == 300
    assert took < 0.5
