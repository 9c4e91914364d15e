"""The state tables of small streams and of the shipped trace."""

from typing import Any

import pytest

from sysdig_py.capture.traces import open_replay
from sysdig_py.engine.vm import DIALECTS, Engine
from sysdig_py.export import state_tables
from sysdig_py.export.passes import Pass, Request
from sysdig_py.schema.state import FdType, State
from tests.source_tree import ROOT
from tests.synthetic import Stream, tuple4


def rows(stream: Stream, table: str) -> list[dict[str, Any]]:
    engine = Engine()
    state_tables.follow_flows(engine)
    engine.feed_bytes(stream.take())
    found = state_tables.read(engine, table)
    found.validate(full=True)
    return found.to_pylist()


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("table", state_tables.TABLES)
def test_a_table_without_rows_has_its_columns(table: str, dialect: str) -> None:
    found = state_tables.read(Engine(dialect=dialect), table)
    assert found.num_rows == 0
    assert len(found.column_names) >= 5


def test_threads_with_their_container() -> None:
    stream = Stream().state(State.CONTAINER, id="c0ffee", name="web", type="docker")
    stream.state(State.CGROUP, cgroup_id=7, path="/docker/c0ffee", container_id="c0ffee")
    stream.thread(10, cgroup=7, comm="cat", exe="/bin/cat", args=b"a\0b\0", start_ts=5).thread(11, pid=10, cgroup=7)
    main, other = sorted(rows(stream, "threads"), key=lambda row: row["tid"])
    assert (main["name"], main["cmdline"], main["container_name"], main["is_main"]) == ("cat", "cat a b", "web", True)
    assert (main["started"].value, main["children"], main["uid"]) == (5, 1, None)
    assert (other["pid"], other["is_main"]) == (10, False)


def test_fds_of_a_process_come_once_and_with_exact_inodes() -> None:
    stream = Stream().thread(10).thread(11, pid=10)
    stream.state(State.FD, tid=10, pid=10, fd=3, type=FdType.FILE, name="/etc/motd", ino=2**53 + 1)
    (fd,) = rows(stream, "fds")
    assert (fd["pid"], fd["num"], fd["type"], fd["name"], fd["ino"]) == (10, 3, "file", "/etc/motd", 2**53 + 1)
    assert (fd["process"], fd["container_name"]) == ("comm", "host")


def test_users_interfaces_and_containers() -> None:
    stream = Stream().state(State.USER, uid=5, gid=6, name="games", home="/usr/games", shell="/bin/false")
    stream.state(State.INTERFACE, netns=1, name="lo", addr=b"\x7f\0\0\1", netmask=b"\xff\0\0\0")
    stream.state(State.CONTAINER, id="c0ffee", name="web", image="busybox:1", labels=b"b=2\0a=1\0", privileged=1)
    engine = Engine()
    engine.feed_bytes(stream.take())
    users, interfaces, containers = (
        state_tables.read(engine, name).to_pylist()[0] for name in ("users", "interfaces", "containers")
    )
    assert users == {"uid": 5, "gid": 6, "name": "games", "home": "/usr/games", "shell": "/bin/false"}
    assert (interfaces["name"], interfaces["address"], interfaces["netmask"]) == ("lo", "127.0.0.1", "255.0.0.0")
    assert (containers["name"], containers["privileged"], containers["labels"]) == ("web", True, ["a=1", "b=2"])


def exchange(stream: Stream) -> Stream:
    """A request and its answer between two processes on this machine."""
    pair = tuple4("127.0.0.1", 4000, "127.0.0.1", 80)
    stream.event("SOCKET_SOCKET_X", tid=7, fd=3, domain=2, type=1, proto=0)
    stream.event("SOCKET_CONNECT_X", tid=7, res=0, tuple=pair, fd=3)
    stream.event("SOCKET_ACCEPT4_6_X", tid=8, fd=5, tuple=pair)
    stream.event("SYSCALL_WRITE_X", tid=7, res=100, data=b"GET", fd=3, size=100)
    stream.event("SYSCALL_READ_X", tid=8, res=100, data=b"GET", fd=5, size=100)
    stream.event("SYSCALL_WRITE_X", tid=8, res=900, data=b"200", fd=5, size=900)
    stream.event("SYSCALL_READ_X", tid=7, res=900, data=b"200", fd=3, size=999)
    return stream.event("SYSCALL_CLOSE_X", tid=7, res=0, fd=3)


def test_a_flow_is_counted_once_although_both_ends_are_seen() -> None:
    stream = exchange(Stream().thread(7, comm="curl").thread(8, comm="httpd"))
    (flow,) = rows(stream, "flows")
    assert (flow["client_process"], flow["server_process"], flow["server_port"]) == ("curl", "httpd", 80)
    assert (flow["sent"], flow["received"], flow["requests"], flow["latency_max"]) == (100, 900, 1, 3000)
    assert (flow["last"] - flow["first"]).total_seconds() == 6e-6


def test_the_same_ports_again_are_another_flow() -> None:
    assert len(rows(exchange(exchange(Stream())), "flows")) == 2


def test_flows_of_the_shipped_trace_are_those_of_the_chisel() -> None:
    with Pass(Request(lambda: open_replay(ROOT / "tests/data/demo.spy"))) as passing:
        state_tables.follow_flows(passing.engine)
        list(passing.steps())
        found = state_tables.read(passing.engine, "flows")
    assert found.num_rows == 49
    assert set(found["client_container"].to_pylist()) == {"client"}
    assert sum(found["received"].to_pylist()) == 225 * 49
