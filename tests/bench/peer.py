"""What tracing costs next to the peer: scap-open of the Falco libraries (`scripts/peer.sh`), whose modern eBPF probe
tells the same calls, and whose reader only counts and drops them. Ours writes a compressed trace meanwhile."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.harness import CommandFailed, Process, checked, interleave, medians, run, spread
from tests.bench.overhead import DD, SYSCALLS
from tests.bench.tool import await_attached, capture
from tests.bench.workloads import FIND, redis_server, requests_per_second

BUILD = Path(__file__).parents[2] / "scripts" / "peer.sh"
OURS = {"write a trace": ["-w", "/dev/null"], "chisel topprocs_net": ["-c", "topprocs_net"]}
_SEEN = re.compile(r"^Seen by driver \(kernel side events\): (\d+)$", re.MULTILINE)
_LOST = re.compile(r"^\[1\] n_drops(?:_buffer_total)?: (\d+)$", re.MULTILINE)


@dataclass
class _Told:
    """Events and losses of all runs of one variant."""

    events: int = 0
    lost: int = 0

    def text(self) -> str:
        return f"{self.lost / max(self.events + self.lost, 1):.2%} lost"


def _program() -> str:
    """Return the peer's path, built on the first use (some minutes)."""
    built = subprocess.run([str(BUILD)], capture_output=True, text=True, check=False)
    if built.returncode:
        raise CommandFailed(f"{BUILD.name}: {built.stderr.strip()[-500:]}")
    return built.stdout.strip()


@contextmanager
def _peer(program: str, told: _Told) -> Iterator[None]:
    process = Process([program, "--modern_bpf"])
    try:
        await_attached(process)
        yield
        process.interrupt()
        done = checked(process.command, process.wait())
    finally:
        process.kill()
    seen = _SEEN.search(done.out)
    if seen is None or int(seen[1]) == 0:
        raise CommandFailed(f"the peer saw no events: {done.out.strip()[-500:]}")
    told.events += int(seen[1])
    told.lost += max(int(count) for count in _LOST.findall(done.out))


@contextmanager
def _ours(words: list[str], told: _Told) -> Iterator[None]:
    with capture(words) as process:
        yield
    told.events += process.account.events
    told.lost += process.account.lost


class _Variants:
    """A load without tracing, under the peer and under ours."""

    def __init__(self, program: str, load: Callable[[], float]) -> None:
        self.told = {name: _Told() for name in ("peer", *OURS)}
        self._program, self._load = program, load

    def _under_peer(self) -> float:
        with _peer(self._program, self.told["peer"]):
            return self._load()

    def _under_ours(self, name: str) -> Callable[[], float]:
        def measure() -> float:
            with _ours(OURS[name], self.told[name]):
                return self._load()

        return measure

    def measure(self, rounds: int) -> dict[str, list[float]]:
        ours = {name: self._under_ours(name) for name in OURS}
        return interleave({"untraced": self._load, "peer": self._under_peer} | ours, rounds)


def _times(title: str, program: str, command: list[str], rounds: int) -> list[str]:
    variants = _Variants(program, lambda: run(command).wall)
    samples = variants.measure(rounds)
    middle = medians(samples)
    base, peer = middle["untraced"], middle["peer"]
    lines = [f"{title}: untraced {base:.2f} s"]
    for name, told in variants.told.items():
        share = "" if name == "peer" else f", {(middle[name] - base) / (peer - base):4.0%} of what the peer adds"
        lines.append(f"  {name:<22} {middle[name] / base:5.2f}x{share}  (+-{spread(samples[name]):.0%})  {told.text()}")
    return lines


def _redis(program: str, rounds: int) -> list[str]:
    with redis_server() as port:
        variants = _Variants(program, lambda: requests_per_second(port))
        samples = variants.measure(rounds)
    middle = medians(samples)
    lines = [f"redis-benchmark -t set,get -c 50: untraced {middle['untraced'] / 1e3:.1f} k requests/s"]
    for name, told in variants.told.items():
        kept = middle[name] / middle["untraced"]
        lines.append(f"  {name:<22} {kept:5.0%} kept  (+-{spread(samples[name]):.0%})  {told.text()}")
    return lines


def report(rounds: int) -> list[str]:
    """Return the lines of this bench."""
    print("the peer is built when it is not there yet: some minutes", file=sys.stderr)
    program = _program()
    return [
        *_times(f"dd bs=1, {SYSCALLS / 1e6:.0f} M system calls", program, DD, rounds),
        *_redis(program, rounds),
        *_times("8 x find /usr", program, FIND, rounds),
    ]
