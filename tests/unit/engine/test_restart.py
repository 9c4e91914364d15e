"""The next file of a run: state and counters begin anew; filter, sinks and limits stay."""

from sysdig_py.engine.vm import Engine, Status
from sysdig_py.schema.state import FdType, State
from tests.lua_probe import Probe
from tests.synthetic import Stream

TABLES = ("threads.by_tid", "containers.by_id", "containers.by_cgroup", "require('state.users').by_uid",
          "require('state.interfaces').list")  # fmt: skip


def machine_with_everything() -> Stream:
    stream = Stream()
    stream.state(State.USER, uid=0, gid=0, name="root", home="/root", shell="/bin/sh")
    stream.state(State.INTERFACE, netns=1, name="lo", addr=b"\x7f\0\0\1", netmask=b"\xff\0\0\0", broadcast=b"\0" * 4)
    stream.state(State.CONTAINER, id="c0ffee", name="web", ip="172.17.0.2")
    stream.state(State.CGROUP, cgroup_id=7, path="/docker/c0ffee", container_id="c0ffee")
    stream.thread(10, cgroup=7, comm="cat")
    stream.state(State.FD, tid=10, pid=10, fd=3, type=FdType.FILE, name="/etc/motd")
    return stream.event("SYSCALL_READ_X", 10, cgroup=7, res=1, data=b"x", fd=3, size=1)


def test_what_one_file_told_is_forgotten() -> None:
    probe = Probe()
    probe.feed(machine_with_everything())
    filled = [probe.lua(f"return next({table}) ~= nil") for table in TABLES]
    assert filled == [True] * len(TABLES)
    probe.engine.begin({"num_cpus": 3}, False, "next.spy")
    assert [probe.lua(f"return next({table}) == nil") for table in TABLES] == [True] * len(TABLES)
    assert {name: n for name, n in probe.engine.stats().items() if n} == {}
    assert not probe.value("ev.started()")
    assert probe.value("require('host').machine.num_cpus") == 3


def test_numbers_relative_times_and_limits_begin_anew() -> None:
    engine = Engine()
    engine.set_limits(2, 0)
    engine.print_lines("%evt.num %evt.reltime %fd.name")
    for name in ("a.spy", "b.spy"):
        engine.begin({}, False, name)
        stream = machine_with_everything()
        stream.event("SYSCALL_READ_X", 10, cgroup=7, res=0, data=b"", fd=3, size=1)
        stream.event("SYSCALL_READ_X", 10, cgroup=7, res=0, data=b"", fd=3, size=1)
        assert engine.feed_bytes(stream.take()).status is Status.STOP
    text = engine.take_output().decode().splitlines()
    assert len(text) == 4
    assert text[:2] == text[2:]
    assert text[0] == "1 0 /etc/motd"
