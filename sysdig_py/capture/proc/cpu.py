"""The CPU time of every thread, as the procinfo events that sysdig's CPU fields are computed from.

Such an event holds a thread's user and system time so far in hundredths of a second, so that the growth
from one second to the next is a percentage.
"""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from sysdig_py.schema.record import pack_record

PROCINFO: Final = 234
_TICK: Final = os.sysconf("SC_CLK_TCK")
_TICKS: Final = struct.Struct("<Q")
_UTIME, _STIME = 11, 12  # of /proc/PID/stat, counted behind the command's closing bracket


class CpuSamples:
    """What has changed since the sample before."""

    def __init__(self, skip: int = 0) -> None:
        """Prepare; `skip`: a process that is left out."""
        self._skip = skip
        self._processes: dict[int, tuple[int, int]] = {}
        self._threads: dict[int, tuple[int, int]] = {}
        self._first = True

    def take(self) -> list[bytes]:
        """Return a record of each thread whose time has grown; at first one of each thread."""
        now, seen = time.time_ns(), set()
        made: list[bytes] = []
        for pid, times in _times("/proc"):
            seen.add(pid)
            if pid != self._skip and self._processes.get(pid) != times:
                self._processes[pid] = times
                made += self._grown(pid, now)
        for pid in self._processes.keys() - seen:
            del self._processes[pid]
        self._first = False
        return made

    def _grown(self, pid: int, now: int) -> Iterator[bytes]:
        for tid, times in _times(f"/proc/{pid}/task"):
            before = self._threads.get(tid)
            if before == times:
                continue
            if before is None and not self._first:
                # born since: what it used until now is growth as well
                yield _record(pid, tid, now, (0, 0))
            self._threads[tid] = times
            yield _record(pid, tid, now, times)


def _times(folder: str) -> Iterator[tuple[int, tuple[int, int]]]:
    """Yield the number of each process or thread of a folder, and its user and system time."""
    with suppress(OSError):
        for name in os.listdir(folder):  # noqa: PTH208 - thousands of names a second
            if name.isdigit():
                with suppress(OSError, ValueError, IndexError):
                    yield int(name), _read(f"{folder}/{name}/stat")


def _read(path: str) -> tuple[int, int]:
    with open(path, "rb") as file:  # noqa: PTH123
        words = file.read().rpartition(b")")[2].split()
    return int(words[_UTIME]) * 100 // _TICK, int(words[_STIME]) * 100 // _TICK


def _record(pid: int, tid: int, now: int, times: tuple[int, int]) -> bytes:
    return pack_record(PROCINFO, [_TICKS.pack(value) for value in times], ts=now, tid=tid, pid=pid)
