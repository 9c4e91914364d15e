"""A real Docker engine: containers are named from their first cgroup on."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sysdig_py.capture import cgroups
from sysdig_py.capture.proc import snapshot
from sysdig_py.container.resolver import Resolver
from sysdig_py.container.runtimes.docker import Docker
from sysdig_py.schema.state import FdType, Role, State
from tests.container.engine import IMAGE, WEB_PAGE, Container, Engine
from tests.unit.state_records import Told, parse

pytestmark = pytest.mark.container

BUDGET = 0.15


@pytest.fixture(scope="module")
def web(engine: Engine) -> Iterator[Container]:
    options = ["--label", "tier=front", "--volume", "/usr/share:/data:ro", "--env", "A=b"]
    container = engine.run("web", "httpd", "-f", "-p", "80", "-h", "/www", options=options)
    yield container
    engine.remove(container)


@contextmanager
def resolver_of(*sockets: str) -> Iterator[Resolver]:
    hierarchy = cgroups.detect()
    resolver = Resolver(lambda: cgroups.walk(hierarchy), [Docker("docker", sockets)])
    yield resolver
    resolver.close()


def wait_for(probe: Callable[[], Told | None], seconds: float = 10) -> Told:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = probe()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError("did not happen in time")


def container_of(records: list[bytes], full_id: str) -> Told:
    return next(r for r in map(parse, records) if r.type == State.CONTAINER and r["full_id"] == full_id)


def new_cgroup(before: set[str]) -> tuple[int, str]:
    hierarchy = cgroups.detect()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for number, path in cgroups.walk(hierarchy):
            if path not in before and path.startswith("/docker/"):
                return number, path
    raise AssertionError("no cgroup was made")


def netns_of(container: Container) -> int:
    return Path(f"/proc/{container.pid}/ns/net").stat().st_ino


def paths() -> set[str]:
    return {path for _, path in cgroups.walk(cgroups.detect())}


def test_the_bridge_carries_http_between_two_containers(engine: Engine, web: Container) -> None:
    client = engine.run("client", "sleep", "60")
    try:
        assert client.exec("wget", "-q", "-O", "-", f"http://{web.ip}/").stdout.encode() == WEB_PAGE
    finally:
        engine.remove(client)


def test_snapshot_describes_a_running_container(engine: Engine, web: Container) -> None:
    with resolver_of(engine.socket) as resolver:
        records = resolver.snapshot()
    told = container_of(records, web.id)
    assert (told["id"], told["type"], told["name"]) == (web.id[:12], "docker", "web")
    assert (told["image"], told["image_repo"], told["image_tag"]) == (IMAGE, *IMAGE.split(":"))
    assert len(told["image_id"]) == 64
    assert (told["ip"], told["privileged"], told["labels"]) == (web.ip, 0, b"tier=front\0")
    assert told["netns"] == netns_of(web)
    mount = {"Source": "/usr/share", "Destination": "/data", "Mode": "ro", "RW": False, "Propagation": "rprivate"}
    facts = told.json()
    assert (facts["Mounts"][0] | {"Propagation": "rprivate"}, facts["env"]) == (mount, ["A=b"])


def test_snapshot_tells_the_container_of_each_cgroup_after_the_container(engine: Engine, web: Container) -> None:
    with resolver_of(engine.socket) as resolver:
        records = [parse(record) for record in resolver.snapshot()]
    number, path = cgroups.of_pid(cgroups.detect(), web.pid)
    cgroup = next(r for r in records if r.type == State.CGROUP and r["path"] == path)
    assert (cgroup["cgroup_id"], cgroup["container_id"]) == (number, web.id[:12])
    container = next(r for r in records if r.type == State.CONTAINER and r["id"] == web.id[:12])
    assert records.index(container) < records.index(cgroup)
    assert {r["container_id"] for r in records if r.type == State.CGROUP and r["path"] == "/"} == {""}


def test_a_starting_container_has_its_name_and_image_within_the_bound(engine: Engine) -> None:
    before = paths()
    with resolver_of(engine.socket) as resolver:
        starter = threading.Thread(target=lambda: started.append(engine.run("fresh", "sleep", "30")))
        started: list[Container] = []
        starter.start()
        number, path = new_cgroup(before)
        begin = time.monotonic()
        records = resolver.on_cgroup(number, path)
        took = time.monotonic() - begin
        starter.join()
        fresh = started[0]
        container, cgroup = map(parse, records)
        assert took < BUDGET
        assert (container["full_id"], container["name"], container["image"]) == (fresh.id, "fresh", IMAGE)
        assert (cgroup["cgroup_id"], cgroup["path"], cgroup["container_id"]) == (number, path, fresh.id[:12])
        late: list[bytes] = []

        def address_known() -> Told | None:
            late.extend(resolver.pending())
            return next((r for r in map(parse, late) if r["ip"]), None)

        assert wait_for(address_known)["ip"] == fresh.ip
    engine.remove(fresh)


def test_a_new_cgroup_never_takes_the_name_of_an_earlier_one(engine: Engine) -> None:
    with resolver_of(engine.socket) as resolver:
        names = []
        for name in ("first", "second"):
            container = engine.run(name, "sleep", "30")
            _, path = cgroups.of_pid(cgroups.detect(), container.pid)
            # the same id for both: what a kernel that reuses inode numbers would give
            records = [parse(r) for r in resolver.on_cgroup(77, path)]
            names.append((records[0]["name"], records[1]["cgroup_id"]))
            engine.remove(container)
    assert names == [("first", 77), ("second", 77)]


def test_a_silent_engine_costs_the_bound_once_and_its_container_is_told_bare(tmp_path: Path) -> None:
    path = str(tmp_path / "engine.sock")
    silent = socket.socket(socket.AF_UNIX)
    silent.bind(path)
    silent.listen(16)
    with silent, resolver_of(path) as resolver:
        begin = time.monotonic()
        told = [resolver.on_cgroup(number, f"/docker/{number:064x}") for number in range(1, 21)]
        assert time.monotonic() - begin < 2 * BUDGET
    container = parse(told[4][0])
    assert (container["id"], container["type"], container["name"]) == ("000000000000", "docker", "")


def test_process_snapshot_sees_into_containers(engine: Engine, web: Container) -> None:
    records = [parse(record) for record in snapshot(cgroups.detect())]
    number, _ = cgroups.of_pid(cgroups.detect(), web.pid)
    thread = next(r for r in records if r.type == State.THREAD and r.tid == web.pid)
    assert (thread.cgroup_id, thread["vpid"], thread["comm"]) == (number, 1, "httpd")
    assert thread["args"] == b"-f\0-p\x0080\0-h\0/www\0"
    listener = next(r for r in records if r.type == State.FD and r.tid == web.pid and r["type"] == FdType.IPV6_LISTENER)
    assert (listener["name"], listener["role"]) == (":::80", Role.SERVER)
    netns = netns_of(web)
    own = {
        (r["name"], socket.inet_ntoa(r["addr"]))
        for r in records
        if r.type == State.INTERFACE and r["netns"] == netns
        if len(r["addr"]) == 4
    }
    assert own == {("lo", "127.0.0.1"), ("eth0", web.ip)}


def test_no_engine_is_no_error() -> None:
    with resolver_of("/nowhere/docker.sock") as resolver:
        container = parse(resolver.on_cgroup(5, "/docker/" + "ab" * 32)[0])
    assert (container["id"], container["name"]) == ("ab" * 6, "")


def test_the_engine_leaves_nothing_on_the_host(engine: Engine) -> None:
    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout
    assert "docker0" not in links
