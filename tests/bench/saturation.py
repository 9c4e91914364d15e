"""More load than can be drained, for long: every loss is told in the stream, soon, and the memory stays what it was.

    python -m tests.bench.saturation [SECONDS]

Losses are read from the kernel's own counters, from outside of the program, and compared with what the stream has told
a chisel by then.
"""

import ctypes
import mmap
import os
import re
import statistics
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sysdig_py.capture import bpf
from tests.abilities import no_kernel
from tests.bench.harness import CommandFailed
from tests.bench.overhead import ENDLESS_DD
from tests.bench.tool import Capture, capture

SECONDS = 600.0
CHISEL = Path(__file__).parent / "chisels" / "saturated.lua"
# seconds after which a loss must have been told
DELAY = 3
# how much the memory may have grown from the second quarter of the run to the last
MAX_GROWTH, SLACK = 1.05, 4 << 20
# the load ends by itself so much later, should nobody be there to end it
_LEFT_SECONDS = 60
_COUNTERS_BYTES = 64  # `struct counters` of each CPU; its first word is ring_full
_GET_MAP_BY_ID, _GET_INFO = 14, 15


@dataclass(frozen=True)
class Sample:
    """One second: losses by the kernel, losses that the stream has told of, bytes of memory."""

    lost: int
    told: int
    memory: int


@dataclass(frozen=True)
class Soak:
    """A run: its seconds, and at the end events, losses by the kernel and losses told."""

    samples: list[Sample]
    events: int
    lost: int
    told: int

    def problems(self) -> list[str]:
        """Return what is wrong, in words."""
        found = []
        if self.lost < (self.events + self.lost) / 100:
            found.append(f"no saturation: {self.lost} of {self.events + self.lost} events were lost")
        if self.told != self.lost:
            found.append(f"the stream told of {self.told} losses, the kernel counted {self.lost}")
        for at, (early, late) in enumerate(zip(self.samples, self.samples[DELAY:], strict=False)):
            if late.told < early.lost:
                found.append(f"second {at}: {early.lost} lost, {DELAY} s later {late.told} told")
        before, after = self.memory()
        if after > before * MAX_GROWTH + SLACK:
            found.append(f"memory grew from {before >> 20} to {after >> 20} MiB")
        return found

    def memory(self) -> tuple[int, int]:
        """Return the median of the second quarter of the run, and of the last."""
        quarter = max(len(self.samples) // 4, 1)
        parts = self.samples[quarter : 2 * quarter], self.samples[-quarter:]
        before, after = (int(statistics.median(s.memory for s in part)) for part in parts)
        return before, after


def _counters(pid: int) -> mmap.mmap:
    """Map the probe's counters, found among the maps that the process holds."""
    for entry in Path(f"/proc/{pid}/fdinfo").iterdir():
        number = re.search(r"^map_id:\s+(\d+)$", entry.read_text(), re.MULTILINE)
        if number is None:
            continue
        fd = bpf._bpf(_GET_MAP_BY_ID, struct.pack("<I", int(number[1])))
        try:
            kind, _, _, value_size, entries, _, name = struct.unpack_from("<6I16s", _information(fd))
            if name.rstrip(b"\0") == b"counters" and (kind, value_size) == (2, _COUNTERS_BYTES):
                length = -(-entries * value_size // mmap.PAGESIZE) * mmap.PAGESIZE
                return mmap.mmap(fd, length, mmap.MAP_SHARED, mmap.PROT_READ)
        finally:
            os.close(fd)
    raise CommandFailed("the capture has no counters")


def _information(fd: int) -> bytes:
    info = ctypes.create_string_buffer(88)
    bpf._bpf(_GET_INFO, struct.pack("<IIQ", fd, len(info), ctypes.addressof(info)))
    return info.raw


def _lost(counters: mmap.mmap) -> int:
    return sum(struct.unpack_from("<Q", counters, at)[0] for at in range(0, len(counters), _COUNTERS_BYTES))


def _told(process: Capture) -> int:
    lines = Path(f"/proc/{process.pid}/fd/1").read_text().splitlines()
    return int(lines[-1].split()[2]) if lines else 0


def _memory(process: Capture) -> int:
    pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * mmap.PAGESIZE


@contextmanager
def _load(seconds: float) -> Iterator[None]:
    """Keep every processor busy with calls, for `seconds` at least."""
    running: list[subprocess.Popen[bytes]] = []
    try:
        while len(running) < (os.cpu_count() or 1):
            running.append(
                subprocess.Popen(["timeout", f"{seconds + _LEFT_SECONDS}", *ENDLESS_DD], stderr=subprocess.DEVNULL)
            )
        yield
    finally:
        for one in running:
            with suppress(ProcessLookupError):
                one.terminate()
            one.wait()


def soak(seconds: float) -> Soak:
    """Run under a load that cannot be drained, and watch."""
    samples: list[Sample] = []
    with capture(["--ring-size", "4M", "-c", str(CHISEL)]) as process:
        counters = _counters(process.pid)
        end = time.monotonic() + seconds
        with _load(seconds):
            while time.monotonic() < end:
                time.sleep(1)
                samples.append(Sample(_lost(counters), _told(process), _memory(process)))
    mark, _, told, _ = process.done.out.splitlines()[-1].split()
    if mark != "end":
        raise CommandFailed(f"the chisel did not come to its end: {process.done.out[-200:]}")
    return Soak(samples, process.account.events, process.account.lost, int(told))


def main(arguments: list[str]) -> int:
    """Run the soak test; the exit code tells whether it was passed."""
    why = no_kernel()
    if why:
        print(f"the soak test captures live, and here {why}", file=sys.stderr)
        return 1
    try:
        done = soak(float(arguments[0]) if arguments else SECONDS)
    except CommandFailed as error:
        print(error, file=sys.stderr)
        return 1
    before, after = done.memory()
    share = done.lost / (done.events + done.lost)
    counts = f"{done.events} events, {done.lost} lost ({share:.0%}), {done.told} of them told in the stream"
    print(f"{len(done.samples)} s: {counts}")
    print(f"memory: {before / 1e6:.1f} MB in the second quarter, {after / 1e6:.1f} MB in the last")
    for problem in done.problems()[:20]:
        print(problem)
    return int(bool(done.problems()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
