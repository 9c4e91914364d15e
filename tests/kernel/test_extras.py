"""Signals, and what is captured only when asked for: switches, page faults, samples of CPU time."""

import itertools
import mmap
import os
import signal
import subprocess
import sys
import time

import pytest
from conftest import Tracer, open_probe

from sysdig_py.capture.live import LiveOptions
from tests.bench.tool import capture

pytestmark = pytest.mark.kernel


@pytest.fixture(scope="module")
def asking():
    made = open_probe(LiveOptions(ring_bytes=128 << 20, events=frozenset({"switch", "page_fault"})))
    made.attach()
    yield Tracer(made)
    made.close()


def test_a_signal_is_told_with_who_sent_it_and_who_got_it(tracer):
    script = """
import os, signal
signal.signal(signal.SIGUSR1, lambda *_: None)
if not os.fork():
    os.kill(os.getppid(), signal.SIGUSR1)
    os._exit(0)
print(os.wait()[0])
try: os.write(os.pipe()[1], b"")
except OSError: pass
"""
    found = tracer.run(script)
    event = found.one("SIGNALDELIVER_E", sig=signal.SIGUSR1)
    assert (event["spid"], event["dpid"]) == (int(found.out), found.pid)


def test_a_signal_of_the_kernel_has_no_sender_and_the_end_tells_it(tracer):
    found = tracer.run("import ctypes; ctypes.string_at(8)", check=False)
    assert found.one("SIGNALDELIVER_E", sig=signal.SIGSEGV)["spid"] == 0
    end = next(r for r in found.own if r.name == "procexit")
    assert (end["ret"], end["sig"]) == (0, signal.SIGSEGV)


def test_neither_switches_nor_faults_are_told_unasked(tracer):
    found = tracer.run("import time; time.sleep(0.01)")
    assert not {record.name for record in found.all} & {"switch", "page_fault"}


def test_switches_tell_who_leaves_and_who_comes(asking):
    found = asking.run("import time; time.sleep(0.02)")
    switches = found.of("SCHEDSWITCH_6_E")
    assert switches
    assert any(0 < event["vm_rss"] < event["vm_size"] for event in switches)
    assert max(event["pgft_min"] for event in switches) > 50
    everything = [record for record in found.all if record.name == "switch"]
    for cpu in {record.cpu for record in everything}:
        there = [record for record in everything if record.cpu == cpu]
        # a machine's owner can hide a process from tracing: it comes and never leaves
        fitting = sum(a["next"] == b.tid for a, b in itertools.pairwise(there))
        assert fitting > 0.7 * (len(there) - 1)


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="only x86_64 has tracepoints for page faults")
def test_page_faults_tell_the_address_and_what_was_wrong(asking):
    script = """
import ctypes, mmap
page = mmap.mmap(-1, 1 << 20)
address = ctypes.addressof(ctypes.c_char.from_buffer(page))
ctypes.memset(address + 5 * 4096 + 3, 1, 1)
print(address + 5 * 4096 + 3)
"""
    found = asking.run(script)
    assert mmap.PAGESIZE == 4096
    event = found.one("PAGE_FAULT_E", addr=int(found.out))
    assert event["error"] == 2 | 4 | 16, "absent, written to, by the program itself"
    assert event["ip"]


def test_a_live_table_of_cpu_time_shows_who_burns_it():
    burner = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        with capture(["-c", "topprocs_cpu", f"proc.pid={burner.pid}"]) as tracer:
            time.sleep(3.2)
    finally:
        burner.kill()
        burner.wait()
    rows = [line.split() for line in tracer.done.out.splitlines()[2:]]
    (row,) = [row for row in rows if row[-1] == str(burner.pid)]
    assert 20 < float(row[0].rstrip("%")) <= 101, tracer.done.out


def test_a_field_that_needs_switches_gets_them():
    with capture(["-v", "-p", "%proc.name %thread.exectime", "thread.exectime>0"]) as tracer:
        time.sleep(0.5)
    ran = [int(line.split()[-1]) for line in tracer.done.out.splitlines()]
    assert any(0 < ns < 60e9 for ns in ran)
