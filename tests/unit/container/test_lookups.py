"""How look-ups end: the resolver's tests show what they are for."""

import threading
import time
from collections.abc import Iterator

from sysdig_py.container.cgroup import CgroupMatch
from sysdig_py.container.lookups import LookUps
from sysdig_py.container.model import ContainerInfo, bare

MATCH = CgroupMatch("docker", "4a1f" * 16, "4a1f4a1f4a1f", "", "/docker/x")
NAMED = CgroupMatch("lxc", "web", "web", "web", "/lxc/web")


class Knows:
    def look_up(self, match: CgroupMatch) -> Iterator[ContainerInfo]:
        yield bare(match)


class Forgetful:
    def __init__(self) -> None:
        self.asked = 0

    def look_up(self, match: CgroupMatch) -> Iterator[ContainerInfo]:
        self.asked += 1
        yield from ()


class Slow:
    """Gives the first answer at once, the second when the gate opens."""

    def __init__(self) -> None:
        self.gate = threading.Event()

    def look_up(self, match: CgroupMatch) -> Iterator[ContainerInfo]:
        yield bare(match)
        self.gate.wait(10)
        yield bare(match)


def test_settle_waits_for_the_last_answer() -> None:
    slow = Slow()
    look_ups = LookUps([slow])
    job = look_ups.start(MATCH)
    begin = time.monotonic()
    look_ups.settle(0.05)
    assert time.monotonic() - begin >= 0.05 and look_ups.late() == []
    slow.gate.set()
    look_ups.settle(5)
    assert look_ups.wait(job, 0) == bare(MATCH)
    assert look_ups.late() == [bare(MATCH)]
    look_ups.close()


def test_settle_does_not_wait_for_repetitions() -> None:
    look_ups = LookUps([Forgetful()])
    look_ups.start(MATCH)
    begin = time.monotonic()
    look_ups.settle(5)
    assert time.monotonic() - begin < 0.2
    look_ups.close()


def test_a_container_that_has_a_name_is_asked_for_once() -> None:
    runtime = Forgetful()
    look_ups = LookUps([runtime])
    assert look_ups.wait(look_ups.start(NAMED), 1) is None
    time.sleep(0.35)
    assert runtime.asked == 1
    look_ups.close()


def test_many_at_once() -> None:
    look_ups = LookUps([Knows()])
    jobs = [look_ups.start(MATCH) for _ in range(200)]
    assert all(look_ups.wait(job, 5) == bare(MATCH) for job in jobs)
    look_ups.close()


def test_close_ends_the_threads() -> None:
    before = threading.active_count()
    look_ups = LookUps([Knows()])
    look_ups.wait(look_ups.start(MATCH), 1)
    assert threading.active_count() > before
    look_ups.settle(1)
    look_ups.close()
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.005)
    assert threading.active_count() <= before


def test_close_without_a_look_up() -> None:
    LookUps([]).close()
