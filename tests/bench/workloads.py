"""What tracing costs real programs: a database on loopback, a walk over the file system, and a machine at rest."""

import csv
import io
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.bench.harness import interleave, medians, run, spread, wait_until
from tests.bench.tool import capture

REDIS_REQUESTS = 100_000
FIND = ["sh", "-c", "for i in 1 2 3 4 5 6 7 8; do find /usr -xdev >/dev/null; done"]
FIND_GOAL = 1.35
IDLE_SECONDS = 10.0
IDLE_GOAL = 0.01

# name -> (words, share of the untraced requests per second that is the goal)
REDIS: dict[str, tuple[list[str], float]] = {
    "write a trace": (["-w", "/dev/null"], 0.80),
    "chisel topprocs_net": (["-c", "topprocs_net"], 0.75),
}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def redis_server() -> Iterator[int]:
    """Run a server on loopback that saves nothing; give its port."""
    port = _free_port()
    with tempfile.TemporaryDirectory() as folder:
        words = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder]
        server = subprocess.Popen(["redis-server", *words], stdout=subprocess.DEVNULL)
        try:
            wait_until(lambda: _answers(port), 10, "the start of redis-server")
            yield port
        finally:
            server.terminate()
            server.wait()


def requests_per_second(port: int) -> float:
    """Return the mean of set and get, each from 50 connections."""
    words = ["-p", str(port), "-t", "set,get", "-c", "50", "-n", str(REDIS_REQUESTS), "--csv"]
    table = list(csv.DictReader(io.StringIO(run(["redis-benchmark", *words]).out)))
    return statistics.mean(float(row["rps"]) for row in table)


class _Losses:
    """Events and losses of several captures."""

    def __init__(self) -> None:
        self.events = self.lost = 0

    def traced(self, words: Sequence[str], measure: Callable[[], float]) -> Callable[[], float]:
        """Return `measure` under a capture."""

        def under_capture() -> float:
            with capture(words) as process:
                result = measure()
            self.events += process.account.events
            self.lost += process.account.lost
            return result

        return under_capture

    def text(self) -> str:
        return f"{self.lost / max(self.events + self.lost, 1):.2%} lost"


def _redis(rounds: int) -> list[str]:
    losses = {name: _Losses() for name in REDIS}
    with redis_server() as port:

        def plain() -> float:
            return requests_per_second(port)

        traced = {name: losses[name].traced(words, plain) for name, (words, _) in REDIS.items()}
        samples = interleave({"untraced": plain} | traced, rounds)
    middle = medians(samples)
    lines = [f"redis-benchmark -t set,get -c 50: untraced {middle['untraced'] / 1e3:.1f} k requests/s"]
    for name, (_, goal) in REDIS.items():
        kept, swing = middle[name] / middle["untraced"], spread(samples[name])
        lines.append(f"  {name:<28} {kept:5.0%} kept (goal {goal:.0%}, +-{swing:.0%})  {losses[name].text()}")
    return lines


def _find(rounds: int) -> list[str]:
    losses = _Losses()

    def plain() -> float:
        return run(FIND).wall

    samples = interleave({"untraced": plain, "traced": losses.traced(["-w", "/dev/null"], plain)}, rounds)
    middle = medians(samples)
    ratio, swing = middle["traced"] / middle["untraced"], spread(samples["traced"])
    return [
        f"8 x find /usr: untraced {middle['untraced']:.2f} s",
        f"  {'write a trace':<28} {ratio:5.2f}x (goal {FIND_GOAL}x, +-{swing:.0%})  {losses.text()}",
    ]


def _idle(rounds: int) -> list[str]:
    """Measure the share of a core that a capture takes while nothing in particular happens."""
    shares = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder, capture(["-w", str(Path(folder) / "idle.spy")]) as process:
            before = process.cpu_so_far()
            time.sleep(IDLE_SECONDS)
            shares.append((process.cpu_so_far() - before) / IDLE_SECONDS)
    return [f"idle: {statistics.median(shares):.1%} of a core (goal at most {IDLE_GOAL:.0%})"]


def report(rounds: int) -> list[str]:
    """Return the lines of this bench."""
    return _redis(rounds) + _find(rounds) + _idle(rounds)
