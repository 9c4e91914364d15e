"""What the entry of a call gives and what remains without it: the same records, but for the time spent inside."""

import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager

import pytest
import walker
from conftest import open_probe

from sysdig_py.capture import headers, image_cache, kernel
from sysdig_py.capture.kernel_types import Types
from sysdig_py.capture.live import LiveOptions
from sysdig_py.capture.pushdown import Pushdown
from sysdig_py.errors import EnvironmentLack
from sysdig_py.schema.events import syscall_names

pytestmark = pytest.mark.kernel

SCRIPT = """
import os, signal, threading, time
time.sleep(0.02)
signal.signal(signal.SIGUSR1, lambda *_: None); os.kill(os.getpid(), signal.SIGUSR1)
thread = threading.Thread(target=lambda: os.getppid()); thread.start(); thread.join()
if os.fork() == 0:
    os.execv("/bin/true", ["/bin/true", "argument"])
os.wait()
if os.fork() == 0:
    os.execve(os.open("/bin/true", 0), ["by fd"], {})
os.wait()
if os.fork() == 0:
    threading.Thread(target=os.execv, args=("/bin/true", ["/bin/true", "of a thread"])).start()
    time.sleep(10)
os.wait()
if os.fork() == 0:
    try:
        os.execv("/nowhere", ["/nowhere", "failed"])
    except OSError:
        os._exit(7)
os.wait()
os.close(os.open("/dev/null", 0)); os.open("/dev/null", 0)
"""
NAMES = syscall_names()


def has_registers():
    return "FEATURE_TASK_REGISTERS" in kernel.features(Types(headers.dump_btf()))


@contextmanager
def opened(how):
    """A probe, and whether it measures; one of an older kernel does without what came after 5.10."""
    options = LiveOptions(ring_bytes=64 << 20, latency=how != "without")
    with pytest.MonkeyPatch.context() as patch:
        if how == "nobody asks, older kernel":
            features = kernel.features
            patch.setattr(
                kernel, "features", lambda types: {k: v for k, v in features(types).items() if k not in LATER}
            )
            patch.setattr(image_cache, "find", lambda _key: None)
            patch.setattr(image_cache, "keep", lambda *_: None)
        try:
            probe = open_probe(options, pushdown=Pushdown(latency=how == "with latency"))
        except EnvironmentLack as error:
            if "bpf_task_pt_regs" not in str(error):
                raise
            pytest.skip(str(error))
    try:
        yield probe, "sys_enter" in probe.tracepoints
    finally:
        probe.close()


WAYS = {"with latency": True, "without": False, "nobody asks": False, "nobody asks, older kernel": True}
LATER = ("FEATURE_TASK_REGISTERS", "FEATURE_EARLY_DEATH")


@pytest.fixture(scope="module", params=WAYS)
def captured(request):
    with opened(request.param) as (probe, measures):
        assert measures is WAYS[request.param] or not has_registers()
        waiting = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        time.sleep(0.2)
        probe.attach()
        child = subprocess.Popen([sys.executable, "-I", "-S", "-c", SCRIPT])
        assert child.wait() == 0
        waiting.communicate(b"in flight")
        records = walker.read_all(probe.ring)
    family = {child.pid, waiting.pid}
    for r in records:
        if r.name.startswith(("clone", "vfork", "fork")) and r["res"] == 0 and r["ptid"] == child.pid:
            family.add(r.pid)
    return measures, child.pid, [r for r in records if r.pid in family]


@pytest.fixture(scope="module")
def kinds():
    return []


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
    child = [r for r in clones if r.pid != pid and not r["flags"] & 0x2]
    assert [(r["res"], r["flags"]) for r in parent] == [(r.pid, r["flags"]) for r in child] != []
    assert all(r["flags"] for r in child)
    execs = [r for r in records if r.id in ("SYSCALL_EXECVE_19_X", "SYSCALL_EXECVEAT_X") and r["res"] == 0]
    assert [(r.id, r["args"]) for r in execs if r.pid != pid] == [
        ("SYSCALL_EXECVE_19_X", b"argument\0"),
        ("SYSCALL_EXECVEAT_X", b""),
        ("SYSCALL_EXECVE_19_X", b"of a thread\0"),
    ]
    assert all(r.tid == r.pid for r in execs)
    failed = [r for r in of(records, "execve") if r["res"] < 0 and r.pid != pid]
    assert [(r["res"], r["exe"], r["args"]) for r in failed] == [(-2, "/nowhere", b"failed\0")]


def test_ends_are_told_with_their_status(captured):
    _, pid, records = captured
    ends = {r.tid: r["ret"] for r in of(records, "procexit") if r.tid == r.pid}
    born = {r.pid for r in records} - {pid}
    assert set(ends) == born | {pid}
    assert sorted(ends.values()) == [0] * (len(ends) - 1) + [7]


def test_returns_from_handlers_are_told(captured):
    _, pid, records = captured
    generic = [NAMES[r["ID"]] for r in records if r.id == "GENERIC_X" and r.pid == pid]
    assert generic.count("rt_sigreturn") == 1


def test_a_call_in_flight_at_the_start_ends_with_its_arguments(captured):
    _, _, records = captured
    (read,) = [r for r in of(records, "read") if r["data"] == b"in flight"]
    assert (read["res"], read["fd"], read["size"] >= 4096, read.latency) == (9, 0, True, 0)
    after = [r for r in of(records, "write") if r.pid == read.pid and r["data"] == b"in flight"]
    assert [r["fd"] for r in after] == [1]


def test_a_number_that_is_used_again_is_closed_and_opened(captured):
    _, pid, records = captured
    opened = [r for r in records if r.name == "openat" and r.pid == pid and r["name"] == "/dev/null"]
    closed = [r for r in of(records, "close") if r.pid == pid and r["fd"] == opened[0]["fd"] and r.ts > opened[0].ts]
    assert [r["fd"] for r in opened[-2:]] == [closed[0]["fd"]] * 2
    assert closed[0]["res"] == 0


def test_what_is_told_is_the_same_with_and_without(captured, kinds):
    """How often each call was told, but for those whose number depends on what threads do when, and where memory lies
    (the C library cuts a thread's heap to its alignment, with one munmap or two); and for the birth of the script:
    this process makes it, whose entries nobody looks at.
    """
    _, pid, records = captured
    births = [r for r in of(records, "clone", "vfork") if r.tid == pid and r["res"] == 0]
    told = [r for r in records if r not in births and r.name not in ("futex", "read", "munmap", "sched_yield")]
    counted = Counter(NAMES[r["ID"]] if r.id == "GENERIC_X" else r.id for r in told)
    kinds.append(counted)
    assert counted == kinds[0]
