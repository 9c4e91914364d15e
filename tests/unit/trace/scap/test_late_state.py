import pytest

from sysdig_py.engine.vm import Engine
from sysdig_py.schema.record import Flag, unpack_record
from sysdig_py.schema.state import L4, FdType, Role, State
from sysdig_py.trace.scap import late_state
from tests.lua_probe import Probe
from tests.synthetic import Stream, tuple4, tuple_unix
from tests.unit.trace.scap.test_head import THREAD


def _told(*records: bytes) -> Probe:
    """Return an engine that heard of the state by the events made of it."""
    probe = Probe(Engine(dialect="0293"))
    for record in records:
        for event in late_state.events(unpack_record(record)):
            probe.engine.feed_bytes(event)
    # what a call closes goes with the next event
    probe.engine.feed_bytes(Stream().event("SYSCALL_GETUID_X", tid=1, uid=0).take())
    return probe


def test_a_process_is_known_after_its_events() -> None:
    probe = _told(Stream().thread(10, **THREAD).take())
    texts = [probe.thread(10, key).rstrip(b"\0") for key in ("comm", "exe", "exepath", "args", "env", "cwd", "cgroups")]
    assert texts == [
        b"nginx", b"nginx", b"/usr/sbin/nginx", b"-g\0daemon off;", b"A=1\0B=2", b"/srv/", b"cpu=/docker/x",
    ]  # fmt: skip
    numbers = [probe.thread(10, key) for key in ("uid", "gid", "sid", "vpgid", "vpid", "vtid", "loginuid", "fdlimit")]
    assert numbers == [33, 34, 5, 6, 1, 1, 1000, 64]


def test_a_thread_belongs_to_its_process() -> None:
    main = Stream().thread(10, **THREAD).take()
    fd = Stream().state(State.FD, tid=10, pid=10, fd=3, type=FdType.FILE, name="/etc/x").take()
    probe = _told(main, fd, Stream().thread(11, 10, comm="worker", exe="nginx").take())
    assert (probe.thread(11, "pid"), probe.thread(11, "comm"), probe.fd(11, 3)) == (10, b"worker", b"/etc/x")


FDS = [
    ({"type": FdType.FILE, "name": "/etc/x", "flags": 1, "dev": 9}, b"/etc/x"),
    ({"type": FdType.DIRECTORY, "name": "/etc"}, b"/etc"),
    (
        {"type": FdType.IPV4, "tuple": tuple4("1.0.0.1", 9, "1.0.0.2", 80), "l4proto": L4.TCP, "role": Role.CLIENT},
        b"1.0.0.1:9->1.0.0.2:80",
    ),
    (
        {"type": FdType.IPV4, "tuple": tuple4("1.0.0.1", 9, "1.0.0.2", 80), "l4proto": L4.TCP, "role": Role.SERVER},
        b"1.0.0.1:9->1.0.0.2:80",
    ),
    ({"type": FdType.IPV6, "tuple": tuple4("::1", 9, "::2", 53), "l4proto": L4.UDP}, b"::1:9->::2:53"),
    ({"type": FdType.IPV4_LISTENER, "tuple": tuple4("0.0.0.0", 0, "1.0.0.2", 443), "l4proto": L4.TCP}, b"1.0.0.2:443"),
    ({"type": FdType.UNIX, "name": "/run/s", "tuple": tuple_unix(1, 2, "/run/s")}, b"/run/s"),
]


@pytest.mark.parametrize(("values", "name"), FDS)
def test_an_fd_has_its_name_after_its_events(values: dict[str, object], name: bytes) -> None:
    probe = _told(Stream().state(State.FD, tid=10, pid=10, fd=3, **values).take())
    assert probe.fd(10, 3) == name
    if values.get("role"):
        assert probe.fd(10, 3, "role") == (b"server" if values["role"] == Role.SERVER else b"client")


@pytest.mark.parametrize("kind", [FdType.PIPE, FdType.EVENT, FdType.SIGNALFD, FdType.TIMERFD, FdType.INOTIFY])
def test_an_fd_without_a_name_has_its_kind(kind: FdType) -> None:
    probe = _told(Stream().state(State.FD, tid=10, pid=10, fd=3, type=kind).take())
    assert probe.fd(10, 3, "type") == kind


def test_an_fd_that_is_gone_is_closed() -> None:
    fd = Stream().state(State.FD, tid=10, pid=10, fd=3, type=FdType.FILE, name="/etc/x").take()
    probe = _told(fd, Stream().state(State.FD, tid=10, pid=10, fd=3, type=FdType.UNKNOWN).take())
    assert probe.value("require('state.threads').get(10).fds[3] == nil")


def test_a_container_is_told_by_its_event() -> None:
    (event,) = late_state.events(unpack_record(Stream().state(State.CONTAINER, id="c0ffee", name="web").take()))
    record = unpack_record(event)
    assert (record.type_code, record.tid) == (late_state.CONTAINER_JSON, -1)
    assert b'"name":"web"' in record.params[0]


def test_nobody_is_shown_the_events() -> None:
    for record in (
        Stream().thread(10, **THREAD).take(),
        Stream().state(State.FD, tid=1, fd=3, type=1, name="x").take(),
    ):
        assert all(unpack_record(event).flags & Flag.STATE_ONLY for event in late_state.events(unpack_record(record)))


def test_what_no_event_can_tell_is_left_out() -> None:
    assert late_state.events(unpack_record(Stream().state(State.GAP, cause="x", count=1).take())) == []
