from sysdig_py.engine.vm import Engine
from sysdig_py.schema.record import Record, pack_record, unpack_record
from sysdig_py.schema.state import L4, FdType, Role, Section, State
from sysdig_py.trace.scap import layout, state_blocks
from sysdig_py.trace.scap.head import head
from tests.lua_probe import Probe
from tests.synthetic import Stream, tuple4, tuple_unix
from tests.unit.trace.scap.written import blocks

MACHINE = {"hostname": "box", "num_cpus": 4, "memory_size_bytes": 1 << 33, "max_pid": 99}
THREAD = {
    "comm": "nginx", "exe": "nginx", "exepath": "/usr/sbin/nginx", "args": b"-g\0daemon off;\0", "cwd": "/srv/",
    "env": b"A=1\0B=2\0", "cgroups": b"cpu=/docker/x\0", "uid": 33, "gid": 34, "loginuid": 1000, "sid": 5, "vpgid": 6,
    "vtid": 1, "vpid": 1, "fdlimit": 64, "vm_rss": 20, "pgft_min": 9, "root": "/", "ptid": 1, "flags": 0,
}  # fmt: skip


def _records(data: bytes) -> list[Record]:
    found, at = [], 0
    while at < len(data):
        found.append(unpack_record(data, at))
        at += found[-1].size
    return found


def _read_back(stream: Stream) -> Probe:
    """Return an engine that was told what the head of a file with this state tells."""
    probe = Probe(Engine(dialect="0293"))
    for kind, payload in blocks(head(MACHINE, _records(stream.data))):
        if layout.is_state(kind):
            probe.engine.feed_bytes(b"".join(state_blocks.records(kind, memoryview(payload))))
    probe.engine.feed_bytes(pack_record(State.SECTION, [bytes((Section.COMPLETE,))], flags=1))
    return probe


def test_the_blocks_come_in_the_order_of_the_format() -> None:
    stream = Stream().thread(10, **THREAD)
    stream.state(State.FD, tid=10, pid=10, fd=3, type=FdType.FILE, name="/etc/x")
    kinds = [kind for kind, _ in blocks(head(MACHINE, _records(stream.data)))]
    assert kinds == [layout.SECTION, 0x201, 0x219, 0x220, 0x215, 0x218]


def test_the_machine_is_told() -> None:
    payload = dict(blocks(head(MACHINE, [])))[0x201]
    assert state_blocks.machine(memoryview(payload)) == MACHINE


def test_a_process_is_read_back_as_it_was() -> None:
    probe = _read_back(Stream().thread(10, **THREAD))
    got = {key: probe.thread(10, key).rstrip(b"\0") for key in ("comm", "exepath", "args", "env", "cwd", "cgroups")}
    assert got == {
        "comm": b"nginx", "exepath": b"/usr/sbin/nginx", "args": b"-g\0daemon off;", "env": b"A=1\0B=2",
        "cwd": b"/srv/", "cgroups": b"cpu=/docker/x",
    }  # fmt: skip
    numbers = ("uid", "gid", "loginuid", "sid", "vpgid", "vpid", "fdlimit", "vmrss", "pfminor", "ptid")
    assert [probe.thread(10, key) for key in numbers] == [33, 34, 1000, 5, 6, 1, 64, 20, 9, 1]


def test_the_newest_record_about_a_thing_counts() -> None:
    stream = Stream().thread(10, **THREAD).thread(10, **(THREAD | {"comm": "later"}))
    assert _read_back(stream).thread(10, "comm") == b"later"


def test_fds_are_read_back_under_their_names() -> None:
    stream = Stream().thread(10, **THREAD)
    told = [
        {"type": FdType.FILE, "name": "/etc/x", "flags": 1, "dev": 9},
        {"type": FdType.DIRECTORY, "name": "/etc"},
        {"type": FdType.IPV4, "tuple": tuple4("10.0.0.1", 999, "10.0.0.2", 80), "l4proto": L4.TCP, "role": Role.CLIENT},
        {"type": FdType.IPV6, "tuple": tuple4("::1", 999, "::2", 80), "l4proto": L4.TCP},
        {"type": FdType.IPV4_LISTENER, "tuple": tuple4("0.0.0.0", 0, "0.0.0.0", 443), "l4proto": L4.TCP},
        {"type": FdType.UNIX, "name": "/run/s", "tuple": tuple_unix(1, 2, "/run/s")},
        {"type": FdType.PIPE, "name": "pipe:[1]"},
        {"type": FdType.MEMFD, "name": "memfd:x"},
        {"type": FdType.UNKNOWN},
        {"type": FdType.IPV4, "tuple": tuple4("10.0.0.9", 7, "10.0.0.1", 443), "l4proto": L4.TCP, "role": Role.SERVER},
    ]
    for number, values in enumerate(told):
        stream.state(State.FD, tid=10, pid=10, fd=number, ino=7000, **values)
    probe = _read_back(stream)
    assert [probe.fd(10, number) for number in range(len(told))] == [
        b"/etc/x", b"/etc", b"10.0.0.1:999->10.0.0.2:80", b"::1:999->::2:80", b"0.0.0.0:443", b"/run/s", b"pipe:[1]",
        b"memfd:x", b"", b"10.0.0.9:7->10.0.0.1:443",
    ]  # fmt: skip
    assert (probe.fd(10, 0, "dev"), probe.fd(10, 2, "role"), probe.fd(10, 9, "role")) == (9, b"client", b"server")


def test_interfaces_and_users_are_read_back() -> None:
    stream = Stream()
    for name, address in (("lo", bytes([127, 0, 0, 1])), ("eth0", bytes(15) + b"\x01")):
        stream.state(State.INTERFACE, name=name, addr=address, netmask=address, broadcast=b"", speed=5)
    stream.state(State.INTERFACE, name="tun0", addr=b"")
    stream.state(State.USER, uid=7, gid=8, name="joe", home="/home/joe", shell="/bin/sh")
    stream.state(State.GROUP, gid=8, name="staff")
    probe = _read_back(stream)
    assert probe.value("#require('state.interfaces').list") == 2
    assert probe.value("require('state.users').by_uid[7].name") == b"joe"
    assert probe.value("require('state.users').by_gid[8].name") == b"staff"


def test_texts_that_do_not_fit_are_cut() -> None:
    probe = _read_back(Stream().thread(1, env=b"x" * 70000).thread(2, comm="after"))
    assert len(probe.thread(1, "env")) == 0xFFFF
    assert probe.thread(2, "comm") == b"after"
