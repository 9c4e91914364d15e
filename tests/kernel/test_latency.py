"""What the entry of a call gives and what remains without it: the same records, but for the time spent inside."""

import subprocess
import sys

import pytest
import walker
from conftest import open_probe

from sysdig_py.capture.live import LiveOptions

pytestmark = pytest.mark.kernel

SCRIPT = """
import os, threading, time
time.sleep(0.02)
thread = threading.Thread(target=lambda: os.getppid()); thread.start(); thread.join()
if os.fork() == 0:
    os.execv("/bin/true", ["/bin/true"])
os.wait()
os.open("/dev/null", 0)
"""


@pytest.fixture(scope="module", params=[True, False], ids=["with latency", "without"])
def captured(request):
    probe = open_probe(LiveOptions(ring_bytes=64 << 20, latency=request.param))
    try:
        probe.attach()
        child = subprocess.Popen([sys.executable, "-I", "-S", "-c", SCRIPT])
        assert child.wait() == 0
        records = walker.read_all(probe.ring)
    finally:
        probe.close()
    born = {r.pid for r in records if r.name.startswith(("clone", "vfork", "fork")) and r["ptid"] == child.pid}
    return request.param, child.pid, [r for r in records if r.pid in born | {child.pid}]


def of(records, *names):
    return [record for record in records if record.name in names]


def test_calls_take_their_time_only_where_entries_are_seen(captured):
    with_latency, pid, records = captured
    slept = [r.latency for r in of(records, "clock_nanosleep", "nanosleep", "select", "syscall") if r.pid == pid]
    assert any(latency > 20_000_000 for latency in slept) is with_latency
    if not with_latency:
        assert {record.latency for record in records} == {0}


def test_births_and_execs_are_told_once_with_their_flags(captured):
    _, pid, records = captured
    clones = of(records, "clone", "clone3", "fork", "vfork")
    threads = [r for r in clones if r["flags"] & 0x2 and r.pid == pid]
    assert sorted(r["res"] == 0 for r in threads) == [False, True], "thread: a record of each side"
    parent = [r for r in clones if r.pid == pid and r["res"] > 0 and r not in threads]
    child = [r for r in clones if r.pid != pid]
    assert [(r["res"], r["flags"]) for r in parent] == [(r.pid, r["flags"]) for r in child] != []
    assert child[0]["flags"] != 0
    execs = [r for r in of(records, "execve") if r["res"] == 0]
    assert [r["comm"] for r in execs if r.pid != pid] == ["true"]
