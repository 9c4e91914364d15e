"""Runtime look-ups in threads: wait a little for the first answer, collect the rest for later.

Quick workers fetch first answers, patient ones what takes its time (an engine answers an
inspection only after the container's start) and repeat look-ups that found nothing yet. While an
engine is overdue with an answer nobody waits for another one: a hung engine delays one cgroup,
not all of them.
"""

from __future__ import annotations

import itertools
import queue
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Final

from sysdig_py.container.cgroup import CgroupMatch
from sysdig_py.container.model import ContainerInfo
from sysdig_py.container.runtimes import Runtime

RETRY_DELAYS: Final = (0.25, 1.0, 3.0)
_QUICK_WORKERS: Final = 2
_PATIENT_WORKERS: Final = 4
# What a malformed answer of an engine can raise while it is taken apart.
_MALFORMED: Final = (OSError, ValueError, TypeError, AttributeError, LookupError)


class _Job:
    """One look-up: `answered` is set with the first answer, or when there is none."""

    def __init__(self, match: CgroupMatch, delays: Sequence[float]) -> None:
        self.match = match
        self.delays = tuple(delays)
        self.info: ContainerInfo | None = None
        self.answered = threading.Event()
        self.overdue = False
        self.rest: Iterator[ContainerInfo] | None = None


class LookUps:
    """Looks containers up at several runtimes, in their order; the first that knows one decides.

    Attributes:
        failures: the latest answers that could not be understood, for diagnosis.
    """

    def __init__(self, runtimes: Sequence[Runtime]) -> None:
        """Prepare; threads start with the first look-up."""
        self.failures: deque[str] = deque(maxlen=20)
        self._runtimes = tuple(runtimes)
        self._quick: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._patient: queue.PriorityQueue[tuple[float, int, _Job | None]] = queue.PriorityQueue()
        self._order = itertools.count()
        self._lock = threading.Condition()
        self._late: list[ContainerInfo] = []
        self._overdue = 0
        self._unfinished = 0
        self._started = False

    def start(self, match: CgroupMatch) -> _Job:
        """Begin a look-up and return its handle for `wait`."""
        self._start_threads()
        job = _Job(match, RETRY_DELAYS if not match.name else ())
        with self._lock:
            self._unfinished += 1
        self._quick.put(job)
        return job

    def wait(self, job: _Job, seconds: float) -> ContainerInfo | None:
        """Return the first answer, or None when there is none within `seconds`."""
        job.answered.wait(0 if self._overdue else seconds)
        with self._lock:
            if not job.answered.is_set() and not job.overdue:
                job.overdue = True
                self._overdue += 1
            return job.info

    def late(self) -> list[ContainerInfo]:
        """Return what came in since the last call and no `wait` has returned, oldest first."""
        with self._lock:
            late, self._late = self._late, []
        return late

    def settle(self, seconds: float) -> None:
        """Wait until everything asked so far is answered in full, `seconds` at most; retries are not waited for."""
        with self._lock:
            self._lock.wait_for(lambda: self._unfinished == 0, seconds)

    def close(self) -> None:
        """Let the threads end; those that wait for an engine end with its answer or time-out."""
        if self._started:
            for _ in range(_QUICK_WORKERS):
                self._quick.put(None)
            for _ in range(_PATIENT_WORKERS):
                self._patient.put((0.0, next(self._order), None))

    def _start_threads(self) -> None:
        if self._started:
            return
        self._started = True
        loops = [self._quick_loop] * _QUICK_WORKERS + [self._patient_loop] * _PATIENT_WORKERS
        for loop in loops:
            threading.Thread(target=loop, name="container-lookup", daemon=True).start()

    def _quick_loop(self) -> None:
        while job := self._quick.get():
            self._ask(job)
            if job.rest is None:
                self._finish()
                self._retry(job)
            else:
                self._patient.put((time.monotonic(), next(self._order), job))

    def _patient_loop(self) -> None:
        while True:
            due, _, job = self._patient.get()
            if job is None:
                return
            time.sleep(max(0.0, due - time.monotonic()))
            if job.rest is None:
                self._ask(job)
                if job.rest is None:
                    self._retry(job)
                    continue
                self._drain(job)
            else:
                self._drain(job)
                self._finish()

    def _ask(self, job: _Job) -> None:
        """Take the first answer of the first runtime that has one; sets `job.rest` then."""
        for runtime in self._runtimes:
            answers = self._guarded(runtime.look_up(job.match))
            info = next(answers, None)
            if info is not None:
                job.rest = answers
                self._answer(job, info)
                return
        self._answer(job, None)

    def _answer(self, job: _Job, info: ContainerInfo | None) -> None:
        with self._lock:
            if job.overdue:
                self._overdue -= 1
                job.overdue = False
                job.answered.set()
            if job.answered.is_set():
                if info is not None:
                    self._late.append(info)
                return
            job.info = info
            job.answered.set()

    def _drain(self, job: _Job) -> None:
        for info in job.rest or ():
            with self._lock:
                self._late.append(info)

    def _retry(self, job: _Job) -> None:
        if job.delays:
            due, job.delays = time.monotonic() + job.delays[0], job.delays[1:]
            self._patient.put((due, next(self._order), job))

    def _finish(self) -> None:
        with self._lock:
            self._unfinished -= 1
            self._lock.notify_all()

    def _guarded(self, answers: Iterator[ContainerInfo]) -> Iterator[ContainerInfo]:
        try:
            yield from answers
        except _MALFORMED as error:
            self.failures.append(f"{type(error).__name__}: {error}")
