import pytest

from sysdig_py.schema.state import FdType, State
from tests.lua_probe import Probe
from tests.synthetic import Stream, tuple4


@pytest.fixture
def probe():
    made = Probe()
    made.note("ev.container and ev.container.name or 'host'")
    return made


def in_container(stream, cgroup=50, ident="abc", **facts):
    stream.state(State.CONTAINER, **({"id": ident, "name": "web", "image": "nginx", "type": "docker"} | facts))
    return stream.state(State.CGROUP, cgroup_id=cgroup, path="/docker/abc", container_id=ident)


def read(stream, cgroup, tid=5):
    return stream.event("SYSCALL_READ_X", tid, res=1, cgroup=cgroup)


def test_events_are_tagged_by_their_cgroup(probe):
    stream = in_container(Stream()).state(State.CGROUP, cgroup_id=51, path="/", container_id="")
    read(read(read(stream, 50), 51), 52)
    probe.feed(stream)
    assert probe.noted() == ["web", "host", "host"]


def test_an_event_without_cgroup_belongs_to_its_threads(probe):
    stream = in_container(Stream()).thread(5, cgroup=50)
    probe.feed(read(read(stream, 0), 0, tid=6))
    assert probe.noted() == ["web", "host"]


def test_what_is_learned_later_reaches_the_same_container(probe):
    stream = Stream().state(State.CGROUP, cgroup_id=50, path="/docker/abc", container_id="abc")
    probe.feed(in_container(read(stream, 50)))
    probe.feed(read(Stream(), 50))
    assert probe.noted() == ["", "web"]
    assert probe.value("containers.count") == 1


def test_container_facts(probe):
    labels = b"a=b=c\0empty=\0flag\0"
    probe.feed(in_container(Stream(), labels=labels, privileged=1, ip="172.17.0.2", image_tag="1.2"))
    assert probe.lua("local c = containers.by_id.abc return c.labels.a, c.labels.empty, c.labels.flag") == (
        b"b=c",
        b"",
        b"",
    )
    assert probe.lua("local c = containers.by_id.abc return c.privileged, c.ip, c.image_tag") == (
        True,
        b"172.17.0.2",
        b"1.2",
    )
    assert probe.value("containers.path_of[50]") == b"/docker/abc"


def test_a_cgroup_made_again_is_forgotten(probe):
    stream = in_container(Stream()).state(State.CGROUP_MKDIR, cgroup_id=50, path="/other")
    probe.feed(read(stream, 50))
    assert probe.noted() == ["host"]


ENDPOINT = "local e = require('state.endpoints') local c = e.container({!r}, {}) return c and c.name"


def at(probe, ip, port):
    raw = "".join(f"\\{part}" for part in ip.split("."))
    return probe.lua(ENDPOINT.format("@", port).replace("'@'", f'"{raw}"'))


def test_both_ends_of_a_connection_are_found(probe):
    stream = in_container(in_container(Stream(), ip="172.17.0.2"), 60, "def", name="db", ip="")
    stream.event("SOCKET_ACCEPT4_6_X", 9, cgroup=60, fd=4, tuple=tuple4("172.17.0.2", 999, "172.17.0.3", 5432))
    stream.event("SOCKET_CONNECT_X", 8, cgroup=50, res=0, fd=3, tuple=tuple4("172.18.0.9", 998, "172.17.0.3", 5432))
    probe.feed(stream)
    assert at(probe, "172.17.0.3", 5432) == b"db"
    assert at(probe, "172.17.0.2", 999) == b"web"
    assert at(probe, "172.18.0.9", 998) == b"web"
    assert at(probe, "172.17.0.3", 1) is None


def test_loopback_belongs_to_no_container(probe):
    stream = in_container(Stream())
    stream.event("SOCKET_ACCEPT4_6_X", 9, cgroup=50, fd=4, tuple=tuple4("127.0.0.1", 999, "127.0.0.1", 80))
    probe.feed(stream)
    assert at(probe, "127.0.0.1", 80) is None


def test_the_endpoint_table_is_bounded(probe):
    probe.lua("""
        local e = require("state.endpoints")
        for port = 1, e.LIMIT + 10 do e.learn("\\1\\2\\3\\4", port, { name = "x" }) end
    """)
    found = probe.lua("""
        local e = require("state.endpoints")
        return e.container("\\1\\2\\3\\4", 1) == nil, e.container("\\1\\2\\3\\4", 60000) ~= nil
    """)
    assert found == (True, True)


def test_the_address_of_a_removed_container_is_free(probe):
    stream = in_container(Stream(), ip="172.17.0.2")
    probe.feed(stream.state(State.CGROUP_RMDIR, cgroup_id=50, path="/docker/abc"))
    assert at(probe, "172.17.0.2", 1) is None
    probe.feed(read(Stream(), 50))
    assert probe.noted() == ["web"]


def test_users_groups_and_interfaces(probe):
    stream = Stream().state(State.USER, uid=5, gid=6, name="joe", home="/h", shell="/bin/sh")
    stream.state(State.GROUP, gid=6, name="staff")
    probe.feed(stream.state(State.INTERFACE, netns=7, name="eth0", addr=bytes([1, 2, 3, 4]), speed=10))
    assert probe.lua("local u = require('state.users') return u.by_uid[5].home, u.by_gid[6].name") == (b"/h", b"staff")
    assert probe.lua("local i = require('state.interfaces') return #i.list, i.is_local('\\1\\2\\3\\4')") == (1, True)


def test_losses_are_counted_by_cause(probe):
    stream = Stream().state(State.GAP, cause="ring full", count=3, total=3, cpu=-1)
    probe.feed(stream.state(State.GAP, cause="ring full", count=2, total=5, cpu=-1))
    stats = probe.engine.stats()
    assert (stats["lost"], stats["lost.ring full"]) == (5, 5)


def test_state_records_are_no_events(probe):
    stream = Stream().thread(5).event("SYSCALL_WRITE_X", 5, res=2, data=b"hi", fd=1)
    probe.feed(stream.thread(6).state(State.FD, 6, 6, fd=1, type=int(FdType.FILE), name="/f"))
    stats = probe.engine.stats()
    assert (stats["events"], stats["state_records"], stats["delivered"]) == (1, 3, 1)
    assert probe.value("ev.name == 'write' and decode.bytes(1) == 'hi'")


def test_an_unknown_state_record_is_passed_over(probe):
    from sysdig_py.schema.record import pack_record

    probe.engine.feed_bytes(pack_record(0xF0FF, [b"x"], flags=1))
    assert probe.engine.stats()["state_records"] == 1


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("2001:db8::1:0:0:1", "2001:db8::1:0:0:1"),
        ("1:0:0:2:0:0:0:3", "1:0:0:2::3"), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
        ("1:0:3:4:5:6:7:8", "1:0:3:4:5:6:7:8"), ("10.0.0.255", "10.0.0.255"),
    ],
)  # fmt: skip
def test_address_texts(probe, address, text):
    import ipaddress

    raw = ipaddress.ip_address(address).packed
    assert probe.engine.require("state.address")[b"text"](raw) == text.encode()
