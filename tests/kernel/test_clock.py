"""Records bear the time since the epoch, also once the machine slept, when the clock that the probe reads is behind."""

import ctypes
import os
import platform
import struct
import time

import pytest
import walker
from conftest import open_probe

from sysdig_py.capture.live import LiveOptions
from sysdig_py.capture.options import PAGE
from sysdig_py.capture.ring import map_shared, unmap

pytestmark = pytest.mark.kernel

CLOCK_AT = 24  # in `struct control`
TEST_RUN = 10
BPF = {"x86_64": 321, "aarch64": 280}
CLOSE_NS = 5_000_000


def run_once(program: int) -> None:
    """Have the kernel run a raw tracepoint's program without the tracepoint."""
    attributes = ctypes.create_string_buffer(struct.pack("<I", program), 80)
    libc = ctypes.CDLL(None, use_errno=True)
    result = libc.syscall(BPF[platform.machine()], TEST_RUN, attributes, len(attributes))
    assert result == 0, os.strerror(ctypes.get_errno())


@pytest.fixture
def probe():
    probe = open_probe(LiveOptions(ring_bytes=16 << 20))
    try:
        yield probe
    finally:
        probe.close()


def stamp(probe) -> tuple[int, int, int]:
    """Return the time of a call's record, and times before and after the call."""
    path = f"/clock-{time.monotonic_ns()}"
    before = time.time_ns()
    assert os.spawnv(os.P_WAIT, "/bin/cat", ["cat", path])
    after = time.time_ns()
    (told,) = (r.ts for r in walker.read_all(probe.ring) if r.name == "openat" and r["name"] == path)
    return told, before, after


def test_a_record_bears_the_time_of_its_call_also_after_a_sleep_of_the_machine(probe):
    probe.attach()
    told, before, after = stamp(probe)
    assert before - CLOSE_NS <= told <= after + CLOSE_NS
    control = map_shared(probe._loaded.map_fd("control"), PAGE, 0, writable=True)
    try:
        ctypes.c_uint64.from_address(control + CLOCK_AT).value -= 3600 * 10**9
        asleep, before, _ = stamp(probe)
        assert asleep < before - 3500 * 10**9, "the offset is what the probe goes by"
        try:
            run_once(probe._loaded.program_fd("on_suspend_resume"))
        except KeyError:
            pytest.skip("this kernel has no tracepoint suspend_resume: it never sleeps")
        told, before, after = stamp(probe)
        assert before - CLOSE_NS <= told <= after + CLOSE_NS
    finally:
        unmap(control, PAGE)
