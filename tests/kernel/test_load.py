"""Under load and at the edges: nothing is lost, what is lost is counted, nothing stays behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import walker
from conftest import open_probe

from sysdig_py.capture.live import LiveCapture, LiveOptions
from sysdig_py.engine.vm import Engine
from tests.bench import saturation
from tests.lua_probe import Probe

pytestmark = pytest.mark.kernel

THREADS = 32
CALLS = 2000


def bpf_objects(kind):
    return subprocess.run(["bpftool", kind, "list"], capture_output=True, text=True, check=True).stdout.count("\n")


def test_thirty_two_threads_lose_nothing(tracer):
    script = f"""
import os, threading
def work():
    fd = os.open("/dev/zero", 0)
    for _ in range({CALLS}): os.read(fd, 1)
threads = [threading.Thread(target=work) for _ in range({THREADS})]
for t in threads: t.start()
for t in threads: t.join()
"""
    run = tracer.run(script)
    reads = run.of("SYSCALL_READ_X", data=b"\0", size=1)
    assert len(reads) == THREADS * CALLS
    assert len({r.tid for r in reads}) == THREADS
    assert all(0 < r.latency < 1e9 for r in reads)
    by_thread = {}
    for record in reads:
        assert record.ts >= by_thread.get(record.tid, 0)
        by_thread[record.tid] = record.ts


def test_a_full_ring_is_counted(tmp_path):
    probe = open_probe(LiveOptions(ring_bytes=os.sysconf("SC_PAGE_SIZE")))
    try:
        probe.attach()
        subprocess.run(["dd", "if=/dev/zero", "of=/dev/null", "bs=1", "count=1000"], capture_output=True, check=True)
        lost = {loss.cause: loss.total for loss in probe.losses()}
        assert lost["ring full"] > 1900
        assert walker.read_all(probe.ring)
    finally:
        probe.close()


def test_the_stream_tells_where_records_are_missing():
    probe = open_probe(LiveOptions(ring_bytes=64 << 10))
    try:
        probe.attach()
        flood = ["taskset", "-c", "0", "dd", "if=/dev/zero", "of=/dev/null", "bs=1", "count=3000"]
        subprocess.run(flood, capture_output=True, check=True)
        found = walker.read_all(probe.ring)
        for _ in range(50):
            subprocess.run(["taskset", "-c", "0", "true"], check=True)
            found += walker.read_all(probe.ring)
    finally:
        probe.close()
    own = [r for r in found if r.cpu == 0]
    gaps = [r for r in own if r.id == "STATE_GAP"]
    assert {(r["cause"], r["cpu"]) for r in gaps} == {("ring full", 0)}
    assert sum(r["count"] for r in gaps) == gaps[-1]["total"] > 3000
    assert [r.ts for r in own] == sorted(r.ts for r in own), "a gap stands where the records are missing"


def test_several_rings_lose_nothing_and_keep_the_order():
    script = (
        "import os, sys; os.sched_setaffinity(0, {int(sys.argv[1])}); fd = os.open('/dev/zero', 0)\n"
        "for _ in range(20000): os.read(fd, 1)"
    )
    cpus = sorted(os.sched_getaffinity(0))[:2]
    capture = LiveCapture(LiveOptions(ring_bytes=32 << 20, rings=2, drop_rights=False))
    engine = Engine(is_live=True)
    looked_at = Probe(engine)
    looked_at.lua(
        """times, last, back = 0, 0, 0
        require("walk").add_sink{ on_event = function()
            if ev.rel < last then back = back + 1 end
            last = ev.rel
            if ev.name == "read" then times = times + 1 end
        end }"""
    )
    try:
        capture.start(engine)
        children = [subprocess.Popen([sys.executable, "-I", "-S", "-c", script, str(cpu)]) for cpu in cpus]
        while any(child.poll() is None for child in children):
            capture.pump(engine)
        capture.stop()
        while capture.pump(engine):
            pass
        used = [view.consumed() for view in capture.probe.rings.views]
    finally:
        capture.close()
    assert not sum(capture.stats().lost.values())
    assert len(used) == 2
    assert all(size > 1 << 20 for size in used)
    assert looked_at.value("times") >= 20000 * len(cpus)
    assert looked_at.value("back") == 0


def test_unreadable_memory_is_counted_and_leaves_the_parameter_empty(tracer):
    before = {loss.cause: loss.total for loss in tracer.probe.losses()}
    run = tracer.run("import ctypes; ctypes.CDLL(None).write(1, ctypes.c_void_p(8), 16)", check=True)
    event = run.one("SYSCALL_WRITE_X", size=16)
    assert (event["res"], event["data"]) == (-14, b"")
    after = {loss.cause: loss.total for loss in tracer.probe.losses()}
    assert after["memory unreadable"] > before["memory unreadable"]


def test_snaplen(tmp_path):
    probe = open_probe(LiveOptions(snaplen=20000, ring_bytes=8 << 20))
    try:
        probe.attach()
        script = "import os; fd = os.open('/dev/zero', 0); os.read(fd, 15000); os.read(fd, 30000)"
        subprocess.run([sys.executable, "-I", "-S", "-c", script], check=True)
        sizes = [
            len(r["data"]) for r in walker.read_all(probe.ring) if r.name == "read" and r["size"] in (15000, 30000)
        ]
        assert sizes == [15000, 20000]
    finally:
        probe.close()


def test_a_filling_ring_wakes_its_reader():
    probe = open_probe(LiveOptions(ring_bytes=1 << 20))
    try:
        probe.attach()
        walker.skip_all(probe.ring)
        threading.Timer(
            0.1,
            lambda: subprocess.run(["dd", "if=/dev/zero", "of=/dev/null", "bs=1", "count=5000"], capture_output=True),
        ).start()
        start = time.monotonic()
        assert probe.wait(5)
        assert time.monotonic() - start < 3
    finally:
        time.sleep(0.2)
        probe.close()


def test_kill_leaves_nothing_attached():
    before = bpf_objects("prog")
    script = """
import sys, time
sys.path.insert(0, sys.argv[1])
from sysdig_py.capture.cgroups import detect
from sysdig_py.capture.live import LiveOptions, Probe
probe = Probe(LiveOptions(ring_bytes=1 << 20), detect()); probe.attach()
print("attached", flush=True); time.sleep(60)
"""
    root = str(Path(__file__).parents[2])
    child = subprocess.Popen([sys.executable, "-c", script, root], stdout=subprocess.PIPE, text=True)
    with child.stdout:
        assert child.stdout.readline() == "attached\n"
        assert bpf_objects("prog") > before
        child.send_signal(signal.SIGKILL)
        child.wait()
    deadline = time.monotonic() + 5
    while bpf_objects("prog") > before and time.monotonic() < deadline:
        time.sleep(0.1)
    assert bpf_objects("prog") <= before


def test_at_saturation_every_loss_is_told_soon_and_memory_stays():
    open_probe().close()
    done = saturation.soak(12.0)
    assert done.problems() == []
    assert done.lost > 100_000
    assert len(done.samples) > 8
