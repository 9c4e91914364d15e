"""What a meter measures, with a kernel that answers what the test wants."""

import errno
import os
import threading
import time
from pathlib import Path

import pytest

from sysdig_py.capture import bpf, rights
from sysdig_py.capture.overhead import meter
from sysdig_py.errors import EnvironmentLack, RightsError


class Kernel:
    """One program, run for `ns` by each of `rate` calls per second; while it is measured, by `measured` of them."""

    def __init__(self, monkeypatch, ns=100, rate=1e6, measured=1e6):
        self.ns, self.rate, self.measured = ns, rate, measured
        self.windows, self.refused, self.kept = [], None, None
        self.total, self.asked, self.was_on = 0.0, time.monotonic(), False
        monkeypatch.setattr(bpf, "enable_stats", self.enable)
        monkeypatch.setattr(bpf, "program_statistics", self.statistics)
        monkeypatch.setattr(meter, "clock_nanoseconds", lambda: 40.0)
        monkeypatch.setattr(rights, "drop", self.drop)

    def drop(self, keep):
        self.kept = keep

    def enable(self):
        if self.refused:
            raise self.refused
        fd = os.open(os.devnull, os.O_RDONLY)
        self.windows.append(fd)
        return fd

    def is_on(self):
        return bool(self.windows) and Path(f"/proc/self/fd/{self.windows[-1]}").exists()

    def calls(self):
        now = time.monotonic()
        self.total += (now - self.asked) * (self.measured if self.was_on and self.is_on() else self.rate)
        self.asked, self.was_on = now, self.is_on()
        return int(self.total)

    def statistics(self, _program):
        runs = int(time.monotonic() * self.measured)
        return runs * self.ns, runs


def wait_for(gauge):
    end = time.monotonic() + 10
    while (sample := gauge.take()) is None and time.monotonic() < end:
        time.sleep(0.01)
    assert sample is not None
    return sample


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(meter, "PERIOD", 0.1)
    monkeypatch.setattr(meter, "WINDOW", 0.02)


def measured_once(kernel, programs):
    gauge = meter.Meter(programs, kernel.calls, drop_rights=False)
    try:
        return wait_for(gauge)
    finally:
        gauge.close()


def test_the_share_is_of_all_processors_and_without_the_clock(monkeypatch, quick):
    sample = measured_once(Kernel(monkeypatch), [1, 2])
    # two programs, each a million times 60 ns per second
    assert sample.programs == pytest.approx(0.12 / os.sysconf("SC_NPROCESSORS_ONLN"), rel=0.1)
    assert sample.calls == pytest.approx(1e6, rel=0.1)
    assert 0.05 < sample.ended - sample.began < 5
    assert 0 <= sample.own <= 1


def test_that_measuring_slows_down_the_callers_does_not_count(monkeypatch, quick):
    sample = measured_once(Kernel(monkeypatch, rate=1e6, measured=2.5e5), [1])
    # the window is a fifth of the whole here
    assert sample.calls == pytest.approx(0.85e6, rel=0.1)
    assert sample.programs == pytest.approx(60e-9 * sample.calls / os.sysconf("SC_NPROCESSORS_ONLN"), rel=0.1)


def test_without_any_call_what_ran_counts(monkeypatch, quick):
    kernel = Kernel(monkeypatch)
    monkeypatch.setattr(kernel, "calls", lambda: 7)
    sample = measured_once(kernel, [1])
    assert sample.calls == 0
    assert sample.programs == pytest.approx(0.06 / os.sysconf("SC_NPROCESSORS_ONLN"), rel=0.2)


def test_own_time_is_that_of_all_threads(monkeypatch, quick):
    monkeypatch.setattr(meter, "PERIOD", 0.5)
    kernel = Kernel(monkeypatch)
    stop = threading.Event()

    def burn():
        while not stop.is_set():
            sum(range(1000))

    worker = threading.Thread(target=burn)
    worker.start()
    gauge = meter.Meter([1], kernel.calls, drop_rights=False)
    try:
        sample = wait_for(gauge)
    finally:
        stop.set()
        worker.join()
        gauge.close()
    assert sample.own > 0.1 / os.sysconf("SC_NPROCESSORS_ONLN")


def test_statistics_are_off_between_windows_and_afterwards(monkeypatch, quick):
    kernel = Kernel(monkeypatch)
    gauge = meter.Meter([1], kernel.calls, drop_rights=False)
    wait_for(gauge)
    gauge.close()
    assert len(kernel.windows) >= 2
    for fd in set(kernel.windows):
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(fd)


def test_the_thread_keeps_the_one_right_it_needs(monkeypatch, quick):
    kernel = Kernel(monkeypatch)
    gauge = meter.Meter([1], kernel.calls, drop_rights=True)
    wait_for(gauge)
    gauge.close()
    assert kernel.kept == {rights.Capability.SYS_ADMIN}


def test_a_restart_begins_a_new_measurement(monkeypatch):
    monkeypatch.setattr(meter, "PERIOD", 0.4)
    kernel = Kernel(monkeypatch)
    gauge = meter.Meter([1], kernel.calls, drop_rights=False)
    time.sleep(0.2)
    again = time.monotonic()
    gauge.restart()
    sample = wait_for(gauge)
    gauge.close()
    assert sample.began >= again


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (PermissionError(errno.EPERM, "no"), RightsError, "CAP_SYS_ADMIN"),
        (OSError(errno.EINVAL, "Invalid argument"), EnvironmentLack, "5.8 or later"),
    ],
)
def test_what_the_kernel_refuses_is_said_at_the_start(monkeypatch, error, kind, message):
    kernel = Kernel(monkeypatch)
    kernel.refused = error
    with pytest.raises(kind, match=message):
        meter.Meter([1], kernel.calls, drop_rights=False)


def test_what_fails_later_is_said_where_the_result_is_taken(monkeypatch, quick):
    kernel = Kernel(monkeypatch)
    gauge = meter.Meter([1], kernel.calls, drop_rights=False)
    wait_for(gauge)
    kernel.refused = OSError(errno.EIO, "broken")
    with pytest.raises(OSError, match="broken"):
        for _ in range(1000):
            gauge.take()
            time.sleep(0.01)
    gauge.close()
