"""What the capture costs: the run time of its programs by the kernel's statistics, and its own processor time.

The statistics are the whole machine's and cost two readings of the clock per run of any BPF program, so they are on
for a window of each measurement only, at a random place in it. There they tell what a call costs; how many calls there
are, the probe counts all the time, since the statistics slow down whoever does nothing but calls. To switch them takes
CAP_SYS_ADMIN, which a thread of its own keeps when the rest of the process gives its rights up.
"""

from __future__ import annotations

import os
import random
import struct
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from sysdig_py.capture import bpf, rights
from sysdig_py.capture.overhead.controller import Sample
from sysdig_py.errors import EnvironmentLack, RightsError

PERIOD: Final = 1.0
WINDOW: Final = 0.1
_JOIN_SECONDS: Final = 5.0
# r0 = 0; exit
_EMPTY: Final = struct.pack("<BBhi", 0xB7, 0, 0, 0) + struct.pack("<BBhi", 0x95, 0, 0, 0)
_CALLS: Final = 4000


def require_statistics() -> None:
    """Raise what is wrong when the kernel keeps no statistics of programs for this process.

    Raises:
        RightsError: it may not switch them on.
        EnvironmentLack: the kernel has none.
    """
    try:
        os.close(bpf.enable_stats())
    except PermissionError:
        raise RightsError(
            "--max-overhead measures by the kernel's BPF statistics, which take root (CAP_SYS_ADMIN)"
        ) from None
    except OSError as error:
        raise EnvironmentLack(f"--max-overhead needs BPF statistics (Linux 5.8 or later): {error.strerror}") from error


def clock_nanoseconds() -> float:
    """Return what reading the clock adds to the run time of a program: that of a program that does nothing."""
    program = bpf.load_program("empty", _EMPTY)
    try:
        switch, link = bpf.enable_stats(), bpf.attach("sys_enter", program)
        try:
            for _ in range(_CALLS):
                os.getppid()
        finally:
            os.close(link)
            os.close(switch)
        nanoseconds, runs = bpf.program_statistics(program)
    finally:
        os.close(program)
    return nanoseconds / runs if runs else 0.0


class Meter:
    """A thread that measures all the time."""

    def __init__(self, programs: Sequence[int], calls: Callable[[], int], *, drop_rights: bool) -> None:
        """Begin to measure.

        Args:
            programs: descriptors of the programs that are attached.
            calls: tells how many system calls ended so far.
            drop_rights: have the thread give up all rights but the one it needs.

        Raises:
            RightsError: statistics take more rights than there are.
            EnvironmentLack: the kernel has none.
        """
        require_statistics()
        self._clock_ns = clock_nanoseconds()
        self._programs = programs
        self._calls = calls
        self._drop_rights = drop_rights
        self._capacity = os.sysconf("SC_NPROCESSORS_ONLN")
        self._last: Sample | None = None
        self._problem: OSError | RightsError | None = None
        self._again = threading.Event()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="meter", daemon=True)
        self._thread.start()

    def take(self) -> Sample | None:
        """Return the last measurement, once.

        Raises:
            OSError: the statistics failed.
            RightsError: the rights could not be given up.
        """
        if self._problem is not None:
            raise self._problem
        sample, self._last = self._last, None
        return sample

    def restart(self) -> None:
        """Begin a new measurement now."""
        self._again.set()

    def close(self) -> None:
        """End the thread; statistics are off afterwards."""
        self._ended = True
        self._again.set()
        self._thread.join(_JOIN_SECONDS)

    def _run(self) -> None:
        try:
            if self._drop_rights:
                rights.drop(frozenset({rights.Capability.SYS_ADMIN}))
            while not self._ended:
                self._again.clear()
                self._last = self._measure() or self._last
        except (OSError, RightsError) as error:
            self._problem = error

    def _measure(self) -> Sample | None:
        """Measure for one period; None when a new one is to begin."""
        began, own, calls = time.monotonic(), time.process_time(), self._calls()
        before = random.uniform(0, PERIOD - WINDOW)
        if self._again.wait(before):
            return None
        window = self._watch()
        if window is None or self._again.wait(max(0.0, began + PERIOD - time.monotonic())):
            return None
        ended = time.monotonic()
        used, per_second = (time.process_time() - own) / (ended - began), (self._calls() - calls) / (ended - began)
        return Sample(began, ended, window.share(per_second) / self._capacity, used / self._capacity, per_second)

    def _watch(self) -> _Window | None:
        """Measure the programs for a window; None when a new period is to begin."""
        switch = bpf.enable_stats()
        try:
            began, calls, before = time.monotonic(), self._calls(), self._read()
            interrupted = self._again.wait(WINDOW)
            after, calls, seconds = self._read(), self._calls() - calls, time.monotonic() - began
        finally:
            os.close(switch)
        ran = max(0.0, after[0] - before[0] - (after[1] - before[1]) * self._clock_ns)
        return None if interrupted else _Window(seconds, ran, calls)

    def _read(self) -> tuple[int, int]:
        times, runs = zip(*map(bpf.program_statistics, self._programs), strict=True)
        return sum(times), sum(runs)


class _Window(NamedTuple):
    """For how long statistics were on, how many ns the programs ran then, and how many calls ended."""

    seconds: float
    ran: float
    calls: int

    def share(self, calls_per_second: float) -> float:
        """Return the share of one processor that programs take when there are so many calls."""
        return self.ran / 1e9 * (calls_per_second / self.calls if self.calls else 1 / self.seconds)
