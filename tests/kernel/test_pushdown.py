"""Filters in the kernel: a run with them shows what a run without shows, and leaves out what it says."""

import io
import os
import re
import socket
import subprocess
import sys
import threading
import time

import pytest
import walker
from conftest import REQUIRED

from sysdig_py import filter as event_filter
from sysdig_py.capture.cgroups import detect
from sysdig_py.capture.demand import Consumer, Demand
from sysdig_py.capture.live import LiveCapture, LiveOptions, Probe
from sysdig_py.capture.pushdown import push_down
from sysdig_py.chisel.registry import Registry
from sysdig_py.engine.vm import HostCallbacks
from sysdig_py.errors import EnvironmentLack, RightsError
from sysdig_py.output.text import TextOutput
from sysdig_py.pipeline import Pipeline, Plan

pytestmark = pytest.mark.kernel

RING = 32 << 20
# a bit of everything, under names of its own: files, errors, a TCP connection, a pipe, a thread, a child, another user
WORKLOAD = """
import ctypes, os, socket, subprocess, sys, threading, time
sys.stdin.readline()
ctypes.CDLL(None).prctl(15, b"pushed", 0, 0, 0)
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
client = socket.create_connection(server.getsockname())
peer, _ = server.accept()
for i in range(20):
    os.write(client.fileno(), b"x" * 10); os.read(peer.fileno(), 100); os.getppid()
client.send(b"hello"); peer.recv(100)
read, write = os.pipe(); os.write(write, b"pipe"); os.read(read, 10)
with open("/etc/passwd", "rb", buffering=0) as f: f.read(100); f.seek(0); f.read(10)
for _ in range(5):
    try: os.stat("/nonexistent")
    except OSError: pass
def other():
    ctypes.CDLL(None).prctl(15, b"pushed thread", 0, 0, 0); os.getppid(); time.sleep(0.05); os.write(write, b"t")
thread = threading.Thread(target=other); thread.start(); thread.join()
cat = subprocess.Popen(["cat", "/etc/hostname"], stdout=subprocess.DEVNULL); cat.wait()
child = os.fork()
if child == 0:
    os.setuid(1234); os.write(write, b"uid"); os._exit(0)
os.wait()
print(os.getpid(), cat.pid, child)
for s in (client, peer, server): s.close()
"""
FORMAT = "*%proc.pid %thread.tid %evt.type %proc.name %fd.num %fd.name %user.uid %evt.args"
FILTERS = [
    "evt.type=read",
    "evt.type in (read, openat, getppid) and evt.dir=<",
    "evt.type!=read and evt.type!=mmap",
    "evt.type startswith open",
    "proc.name=pushed",
    "proc.name in (pushed, cat) and evt.type=read",
    'proc.name="pushed thread"',
    "proc.name startswith push and not evt.type in (mmap, munmap, mprotect)",
    "proc.name!=pushed",
    "proc.name=cat and fd.name contains hostname",
    "user.uid=1234",
    "not user.uid=0",
    "evt.failed=true",
    "evt.res=ENOENT",
    "evt.rawres>=100 and evt.is_io=true",
    "evt.buflen=10",
    "evt.latency>30000000 and evt.type in (clock_nanosleep, nanosleep, select, pselect6)",
    "fd.type=file",
    "fd.type in (ipv4, pipe)",
    "fd.num=1 or fd.type=pipe",
    "fd.port={port}",
    "fd.sport={port} and evt.type=read",
    "fd.port!=1",
    "not (fd.port={port} or evt.type=openat) and proc.name=pushed",
    "fd.ip=127.0.0.1 and evt.is_io_write=true",
    "fd.net=127.0.0.0/8 or proc.name=cat and evt.type=close",
    "container.id=host and proc.name=pushed",
    "container.id!=host",
    "fd.sockfamily=ip and evt.buflen>0",
    "(proc.pname contains ushe or evt.type=write) and proc.name in (pushed, cat)",
]


@pytest.fixture(scope="module")
def port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


class Run:
    """A capture in a thread of its own."""

    def __init__(self, text, pushdown):
        self.text, self.stop = io.BytesIO(), threading.Event()
        host = HostCallbacks(lambda one: event_filter.compile(one).lua_source)
        plan = Plan(filter_text=text, line_format=FORMAT, pushdown=pushdown)
        self.output = TextOutput(self.text, flush_each_batch=False)
        self.pipeline = Pipeline(plan, self.output, host, Registry({}))
        self.capture = LiveCapture(LiveOptions(ring_bytes=RING, drop_rights=False, wait=0.01))
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        self.pipeline.open(self.capture)
        self.pipeline.run(self.stop.is_set, lambda _: None)

    def attached(self):
        # past the snapshot: what runs from here on is seen by events alone
        return self.thread.is_alive() and self.pipeline.engine.stats()["state_records"] > 0

    def end(self, pids):
        self.stop.set()
        self.thread.join(20)
        self.stats, self.left_out = self.capture.stats(), self.capture.probe.left_out()
        self.capture.close()
        lines = self.text.getvalue().decode(errors="replace").splitlines()
        # the start of the pid namespace goes by each probe's own clock
        return [re.sub(r" pidns_init_start_ts=\d+", "", line) for line in lines if line.split(" ")[0] in pids]


def wait_for(runs):
    end = time.monotonic() + 20
    while not all(run.attached() for run in runs):
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.fixture(scope="module")
def able():
    try:
        Probe(LiveOptions(ring_bytes=RING), detect()).close()
    except (RightsError, EnvironmentLack) as error:
        if REQUIRED:
            raise
        pytest.skip(str(error))


def observed(text, port):
    """Run the workload under both captures at once; return their lines about it, in each thread's order."""
    command = [sys.executable, "-I", "-S", "-c", WORKLOAD, str(port)]
    # started before, since captures do not see what the capturing process itself does with its files
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        runs = [Run(text, pushdown) for pushdown in (True, False)]
        wait_for(runs)
        told, _ = child.communicate("go\n", timeout=20)
        assert child.returncode == 0
    lines = [sorted(run.end(set(told.split())), key=lambda line: line.split(" ")[1]) for run in runs]
    assert not any(run.stats.lost.get("ring full") for run in runs)
    return lines, runs


@pytest.mark.parametrize("text", FILTERS)
def test_lines_are_the_same_with_filters_in_the_kernel_and_without(able, text, port):
    (pushed, plain), (judged, everything) = observed(text.format(port=port), port)
    assert pushed == plain
    assert judged.left_out > 0 and everything.left_out == 0
    if text != "container.id!=host":
        assert plain, "the filter is to match something"


def probe_with(text):
    return Probe(
        LiveOptions(ring_bytes=RING), detect(), push_down(Demand(Consumer("filter", text)), os.uname().machine)
    )


def test_events_left_out_are_counted_before_the_next_one(able):
    probe = probe_with("evt.type=getpgid")
    script = "import os\nos.getpgid(0)\nfor _ in range(500): os.getppid()\nos.getpgid(0)"
    try:
        probe.attach()
        child = subprocess.Popen([sys.executable, "-I", "-S", "-c", script])
        assert child.wait() == 0
        records = [r for r in walker.read_all(probe.ring) if r.pid == child.pid]
        assert [r.flags & 1 for r in records if r.name == "syscall"] == [0, 0]
        assert {r.name for r in records if not r.flags & 1} <= {"syscall", "execve", "procexit", "clone", "vfork"}
        assert "openat" in {r.name for r in records}, "it feeds the table of files"
        assert sum(r.skipped for r in records) >= 500
        assert probe.left_out() >= 500
    finally:
        probe.close()


@pytest.mark.parametrize(
    "text",
    [
        "proc.name in (" + ", ".join(f"name{i}" for i in range(400)) + ")",
        "fd.net in (" + ", ".join(f"10.{i}.0.0/16, fd{i:02x}::/16" for i in range(100)) + ")",
        " or ".join(f"(evt.type={name} and proc.pid={i})" for i, name in enumerate(["read", "write", "openat"] * 80)),
        "not (" + " or ".join(f"(proc.pid={i} and not fd.port={i})" for i in range(1, 300)) + ")",
        "user.uid>1 and fd.type!=file and fd.sockfamily=ip and evt.latency>18014398509481984 and fd.lip=::1",
    ],
)
def test_the_kernel_takes_large_questions(able, text):
    started = time.monotonic()
    probe = probe_with(text)
    probe.attach()
    probe.close()
    assert time.monotonic() - started < 5
