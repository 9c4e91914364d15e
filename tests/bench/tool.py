"""The program under measurement: start a live capture, know when it is attached, end it, read its account."""

import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.bench.harness import CommandFailed, Process, Run, checked, wait_until

PROGRAM = [sys.executable, "-m", "sysdig_py"]
_START_SECONDS = 30
_SETTLE_SECONDS = 1.0
_SUMMARY = re.compile(r"(\d+) events, (\d+) bytes, (\d+) lost(?: \(.*\))?(?:, \d+ only counted .*)?, ([\d.]+) seconds")


@dataclass(frozen=True)
class Account:
    """What the program said about its run."""

    events: int
    bytes: int
    lost: int
    seconds: float


def account(done: Run) -> Account:
    """Read the summary line.

    Raises:
        CommandFailed: there is none.
    """
    match = _SUMMARY.search(done.err)
    if match is None:
        raise CommandFailed(f"no summary line in: {done.err.strip()[-500:]!r}")
    events, size, lost, seconds = match.groups()
    return Account(int(events), int(size), int(lost), float(seconds))


def is_attached(pid: int) -> bool:
    """Whether the kernel lists a system call tracepoint among what this process holds."""
    for entry in Path(f"/proc/{pid}/fdinfo").iterdir():
        with suppress(OSError):
            if "tp_name:\tsys_exit" in entry.read_text():
                return True
    return False


def await_attached(process: Process) -> None:
    """Wait until a tracer is attached, and a moment longer.

    Raises:
        CommandFailed: it ended, or it took too long.
    """
    wait_until(lambda: not process.running() or is_attached(process.pid), _START_SECONDS, "attaching the probe")
    if not process.running():
        raise CommandFailed(f"the capture ended early: {checked(process.command, process.wait()).err[-500:]}")
    time.sleep(_SETTLE_SECONDS)


class Capture(Process):
    """A live capture; `done` and `account` are there after `end()`."""

    done: Run
    account: Account

    def end(self) -> None:
        self.interrupt()
        self.done = checked(self.command, self.wait())
        self.account = account(self.done)


@contextmanager
def capture(arguments: Sequence[str]) -> Iterator[Capture]:
    """Capture live while the body runs."""
    process = Capture([*PROGRAM, *arguments])
    try:
        await_attached(process)
        yield process
        process.end()
    finally:
        process.kill()


def record(path: Path, load: Callable[[], object]) -> Account:
    """Save a trace of `load` to `path`."""
    with capture(["-w", str(path)]) as process:
        load()
    return process.account
