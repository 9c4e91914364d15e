"""The resolver over runtimes that answer fast, late, more than once, or never."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sysdig_py.container.cgroup import CgroupMatch
from sysdig_py.container.model import ContainerInfo, bare
from sysdig_py.container.resolver import Resolver
from sysdig_py.schema.state import State
from tests.unit.state_records import Told, parse

ID = "4a1f" * 16
PATH = f"/docker/{ID}"


class Answers:
    """A runtime that gives the prepared names one after the other, each look-up starting anew."""

    def __init__(self, *names: str) -> None:
        self.names = list(names)
        self.asked: list[str] = []

    def look_up(self, match: CgroupMatch) -> Iterator[ContainerInfo]:
        self.asked.append(match.full_id)
        for name in self.names:
            yield bare(match)._replace(name=name)


class Gated(Answers):
    """A runtime that answers when its gate opens."""

    def __init__(self, *names: str) -> None:
        super().__init__(*names)
        self.gate = threading.Event()

    def look_up(self, match: CgroupMatch) -> Iterator[ContainerInfo]:
        self.gate.wait(10)
        yield from super().look_up(match)


class Malformed:
    def look_up(self, match: CgroupMatch) -> Iterator[ContainerInfo]:
        raise KeyError("Names")
        yield bare(match)


@contextmanager
def resolver(*runtimes: object, cgroups: tuple[tuple[int, str], ...] = ()) -> Iterator[Resolver]:
    made = Resolver(lambda: cgroups, runtimes)  # type: ignore[arg-type]
    yield made
    made.close()


def pending_of(made: Resolver, count: int) -> list[Told]:
    found: list[Told] = []
    deadline = time.monotonic() + 5
    while len(found) < count and time.monotonic() < deadline:
        found += map(parse, made.pending())
        time.sleep(0.002)
    return found


def test_a_host_cgroup_needs_nobody() -> None:
    runtime = Answers("web")
    with resolver(runtime) as made:
        (record,) = made.on_cgroup(3, "/system.slice/ssh.service")
    assert parse(record)["container_id"] == ""
    assert runtime.asked == []


def test_container_comes_before_its_cgroup() -> None:
    with resolver(Answers("web")) as made:
        container, cgroup = map(parse, made.on_cgroup(3, PATH))
    assert (container.type, container["name"], container["full_id"]) == (State.CONTAINER, "web", ID)
    assert (cgroup.type, cgroup["cgroup_id"], cgroup["container_id"]) == (State.CGROUP, 3, ID[:12])


def test_the_first_runtime_that_knows_decides() -> None:
    nobody, first, second = Answers(), Answers("a"), Answers("b")
    with resolver(nobody, first, second) as made:
        assert parse(made.on_cgroup(3, PATH)[0])["name"] == "a"
    assert (len(nobody.asked), second.asked) == (1, [])


def test_fuller_answers_come_later() -> None:
    with resolver(Answers("web", "web, running")) as made:
        assert parse(made.on_cgroup(3, PATH)[0])["name"] == "web"
        assert [told["name"] for told in pending_of(made, 1)] == ["web, running"]


def test_a_late_engine_is_not_waited_for_twice_and_then_heard() -> None:
    runtime = Gated("web")
    with resolver(runtime) as made:
        begin = time.monotonic()
        names = [parse(made.on_cgroup(n, f"/docker/{n:064x}")[0])["name"] for n in range(1, 9)]
        assert time.monotonic() - begin < 0.25
        assert names == [""] * 8
        runtime.gate.set()
        assert len(pending_of(made, 8)) == 8
        assert parse(made.on_cgroup(20, PATH)[0])["name"] == "web"


def test_a_cgroup_inside_a_container_asks_nobody_again() -> None:
    runtime = Answers("web")
    with resolver(runtime) as made:
        made.on_cgroup(3, PATH)
        (inner,) = map(parse, made.on_cgroup(4, PATH + "/init.scope"))
    assert (inner["cgroup_id"], inner["container_id"]) == (4, ID[:12])
    assert runtime.asked == [ID]


def test_a_cgroup_made_again_is_looked_up_again() -> None:
    runtime = Answers("old")
    with resolver(runtime) as made:
        made.on_cgroup(3, PATH)
        runtime.names = ["new"]
        container, cgroup = map(parse, made.on_cgroup(3, PATH))
    assert (container["name"], cgroup["container_id"]) == ("new", ID[:12])


def test_a_reused_cgroup_id_means_the_new_path() -> None:
    with resolver(Answers("web")) as made:
        made.on_cgroup(3, PATH)
        (record,) = made.on_cgroup(3, "/system.slice/ssh.service")
    assert parse(record)["container_id"] == ""


def test_a_container_unknown_at_first_is_asked_for_again() -> None:
    runtime = Answers()
    with resolver(runtime) as made:
        assert parse(made.on_cgroup(3, PATH)[0])["name"] == ""
        runtime.names = ["web"]
        assert [told["name"] for told in pending_of(made, 1)] == ["web"]


def test_an_answer_that_makes_no_sense_is_noted_and_the_next_runtime_asked() -> None:
    with resolver(Malformed(), Answers("web")) as made:
        assert parse(made.on_cgroup(3, PATH)[0])["name"] == "web"
        assert list(made.failures) == ["KeyError: 'Names'"]


def test_snapshot_takes_the_fullest_answers() -> None:
    cgroups = ((1, "/"), (2, "/docker"), (3, PATH), (4, PATH + "/inner"), (5, "/batch"))
    with resolver(Answers("web", "web, running"), cgroups=cgroups) as made:
        told = [parse(record) for record in made.snapshot()]
        assert made.pending() == []
    names = {record["full_id"]: record["name"] for record in told if record.type == State.CONTAINER}
    assert names == {ID: "web, running", "/batch": "/batch"}
    owners = {record["cgroup_id"]: record["container_id"] for record in told if record.type == State.CGROUP}
    assert owners == {1: "", 2: "", 3: ID[:12], 4: ID[:12], 5: "/batch"}


def test_snapshot_keeps_late_answers_about_others() -> None:
    with resolver(Answers("web", "web, running"), cgroups=((1, "/"), (9, "/docker/" + "1" * 64))) as made:
        made.on_cgroup(3, PATH)
        deadline = time.monotonic() + 5
        made.snapshot()
        assert [told["full_id"] for told in pending_of(made, 1)] == [ID]
        assert time.monotonic() < deadline
