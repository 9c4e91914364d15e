"""Measuring: run commands, know their wall and processor time, compare medians of interleaved runs.

Rounds are interleaved (every variant once per round), so that a slow minute of the machine falls on
all variants alike. Nothing here knows what is measured.
"""

import os
import signal
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Run:
    """One finished command: wall seconds, processor seconds and peak memory in bytes (with its children), its end."""

    wall: float
    cpu: float
    peak: int
    code: int
    out: str
    err: str


class Process:
    """A command under measurement, in a process group of its own, its output in files (no pipe to block on)."""

    def __init__(self, command: Sequence[str]) -> None:
        self._out = tempfile.TemporaryFile("w+")  # noqa: SIM115 - lives as long as the process
        self._err = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self.command = list(command)
        self._started = time.monotonic()
        self._popen = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=self._out, stderr=self._err, start_new_session=True
        )
        self.pid = self._popen.pid

    def cpu_so_far(self) -> float:
        """Processor seconds used by the process and its waited-for children up to now."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(int(ticks) for ticks in fields[11:15]) / _TICKS

    def running(self) -> bool:
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def interrupt(self) -> None:
        """Send what Ctrl-C sends."""
        os.killpg(self.pid, signal.SIGINT)

    def wait(self) -> Run:
        """Wait for the end; the processor time comes from the kernel's own account of it."""
        _, status, usage = os.wait4(self.pid, 0)
        wall = time.monotonic() - self._started
        self._popen.returncode = os.waitstatus_to_exitcode(status)
        texts = [_content(file) for file in (self._out, self._err)]
        cpu, peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024
        return Run(wall, cpu, peak, self._popen.returncode, *texts)

    def kill(self) -> None:
        """End it whatever it does; for clean-up after an error."""
        if self._popen.returncode is None and self.running():
            os.killpg(self.pid, signal.SIGKILL)
            self.wait()


def _content(file: "tempfile._TemporaryFileWrapper[str]") -> str:
    with file:
        file.seek(0)
        return file.read()


class CommandFailed(Exception):
    """A measured command did not end well; a number taken from it would mean nothing."""


def run(command: Sequence[str]) -> Run:
    """Run a command to its end.

    Raises:
        CommandFailed: its exit code is not 0.
    """
    process = Process(command)
    try:
        done = process.wait()
    except BaseException:
        process.kill()
        raise
    return checked(command, done)


def checked(command: Sequence[str], done: Run) -> Run:
    if done.code != 0:
        raise CommandFailed(f"{' '.join(command)}: exit code {done.code}: {done.err.strip()[-500:]}")
    return done


def interleave(variants: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Measure every variant once per round, in turn; the order is reversed every other round."""
    found: dict[str, list[float]] = {name: [] for name in variants}
    for number in range(rounds):
        names = list(variants) if number % 2 == 0 else list(reversed(variants))
        for name in names:
            found[name].append(variants[name]())
    return found


def medians(samples: Mapping[str, Sequence[float]]) -> dict[str, float]:
    return {name: statistics.median(values) for name, values in samples.items()}


def spread(values: Sequence[float]) -> float:
    """Half of the distance between the extremes, relative to the median: how far to trust a median."""
    middle = statistics.median(values)
    return (max(values) - min(values)) / 2 / middle if middle else 0.0


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait for a condition, for a bounded time.

    Raises:
        CommandFailed: it did not come true in time.
    """
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise CommandFailed(f"{what} did not happen within {seconds:g} seconds")
        time.sleep(0.02)
