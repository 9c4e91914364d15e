"""A call is its thread's: also where kernel stacks go from one thread to the next as fast as they can."""

import re
import subprocess
import sys

import pytest
import walker
from conftest import open_probe

from sysdig_py.capture.live import LiveOptions
from sysdig_py.capture.pushdown import Pushdown

pytestmark = pytest.mark.kernel

SCRIPT = """
import os, sys, threading
out = os.open("/dev/null", os.O_WRONLY)
def tell():
    os.write(out, b"who %d %d" % (os.getpid(), threading.get_native_id()))
for _ in range(150):
    children = []
    for _ in range(3):
        child = os.fork()
        if not child:
            tell()
            os._exit(0)
        children.append(child)
    threads = [threading.Thread(target=tell) for _ in range(3)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    for child in children: os.waitpid(child, 0)
    tell()
# a thread that executes takes the id of its leader
threading.Thread(target=os.execv, args=(sys.executable, [sys.executable, "-I", "-S", "-c", '''
import os
out = os.open("/dev/null", os.O_WRONLY)
os.write(out, b"who %d %d" % (os.getpid(), os.getpid()))
'''])).start()
threading.Event().wait()
"""


@pytest.fixture(scope="module", params=[True, False], ids=["with latency", "nobody asks"])
def told(request):
    probe = open_probe(LiveOptions(ring_bytes=64 << 20), pushdown=Pushdown(latency=request.param))
    try:
        probe.attach()
        loads = [subprocess.Popen([sys.executable, "-I", "-S", "-c", SCRIPT]) for _ in range(3)]
        assert [load.wait(60) for load in loads] == [0, 0, 0]
        assert not any(loss.total for loss in probe.losses() if loss.cause == "ring full")
        records = walker.read_all(probe.ring)
    finally:
        probe.close()
    words = ((r, re.fullmatch(rb"who (\d+) (\d+)", r["data"] or b"")) for r in records if r.name == "write")
    return {load.pid for load in loads}, [(r.pid, r.tid, int(said[1]), int(said[2])) for r, said in words if said]


def test_every_call_bears_the_ids_that_its_thread_has(told):
    _, calls = told
    assert len(calls) == 3 * (150 * 7 + 1)
    assert [call for call in calls if call[:2] != call[2:]] == []


def test_the_ids_after_an_exec_by_another_thread_are_the_leader_s(told):
    leaders, calls = told
    assert {calls_of[-1][:2] for calls_of in ([c for c in calls if c[2] == pid] for pid in leaders)} == {
        (pid, pid) for pid in leaders
    }
