"""What the kernel tells about threads and open files in the midst of the stream, beside what events said."""

import pytest

from sysdig_py.schema.state import L4, FdType, Role, State
from tests.lua_probe import Probe
from tests.synthetic import START, Stream, sockaddr, tuple4, tuple_unix

OPEN = {"fd": 3, "name": "as asked for", "flags": 1, "dev": 8, "ino": 77}


@pytest.fixture
def probe():
    made = Probe()
    made.note("ev.fd and ev.fd.name or '-'")
    return made


def told(stream, fd=3, tid=5, kind=FdType.FILE_V2, **values):
    values = {"fd": fd, "type": int(kind), "l4proto": int(L4.NONE), "role": int(Role.NONE), "name": "/told"} | values
    return stream.call("STATE_FD", values, tid, flags=1)


def told_tcp(stream, source, destination, role, kind=FdType.IPV4, fd=3):
    name, ends = "", tuple4(*source, *destination)
    return told(stream, fd, kind=kind, name=name, tuple=ends, l4proto=int(L4.TCP), role=int(role))


def read(stream, fd=3):
    return stream.event("SYSCALL_READ_X", 5, res=1, fd=fd)


def started():
    return Stream().thread(5).event("SYSCALL_BRK_4_X", 5, res=0)


def test_an_fd_is_known_to_the_event_after_its_record(probe):
    probe.feed(read(told(read(started()))))
    assert probe.noted() == ["-", "-", "/told"]


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        ({"ino": 77, "dev": 8}, "/home/as asked for"),
        ({"ino": 77, "dev": 8, "kind": FdType.DIRECTORY}, "/home/as asked for"),
        ({"ino": 78, "dev": 8}, "/told"),
        ({"ino": 77, "dev": 9}, "/told"),
        ({"ino": 77, "kind": FdType.PIPE, "name": ""}, "pipe:[77]"),
    ],
)
def test_the_name_that_was_asked_for_stays_with_the_same_file(probe, facts, name):
    stream = started().event("SYSCALL_OPEN_X", 5, **OPEN)
    probe.feed(read(told(stream, **facts)))
    assert probe.noted()[-1] == name


def test_a_number_that_is_used_again_is_not_closed_by_the_close_before(probe):
    stream = started().event("SYSCALL_OPEN_X", 5, **OPEN)
    stream.event("SYSCALL_CLOSE_X", 5, res=0, fd=3)
    probe.feed(read(told(stream, ino=77, dev=8)))
    assert probe.noted()[-1] == "/told"


def test_a_close_that_the_record_was_made_for_takes_effect(probe):
    stream = told(started())
    stream.event("SYSCALL_CLOSE_X", 5, res=0, fd=3, latency=1000)
    probe.feed(read(stream))
    assert probe.noted()[-2:] == ["/told", "-"]


CLIENT, SERVER = ("10.0.0.1", 4000), ("10.0.0.2", 80)


def test_roles_of_a_connection_are_the_kernels(probe):
    """The snapshot took the ends the wrong way round."""
    stream = Stream().thread(5).state(
        State.FD, 5, 5, fd=3, type=int(FdType.IPV4), tuple=tuple4(*SERVER, *CLIENT), l4proto=2, role=1, name="wrong"
    )  # fmt: skip
    probe.feed(read(told_tcp(read(stream), CLIENT, SERVER, Role.SERVER)))
    assert probe.noted() == ["wrong", "10.0.0.1:4000->10.0.0.2:80"]
    assert probe.fd(5, 3, "role") == b"server"


def test_a_listener_is_named_by_the_port_the_kernel_chose(probe):
    stream = started().event("SOCKET_SOCKET_X", 5, fd=3, domain=2, type=1, proto=0)
    told_tcp(stream, ("0.0.0.0", 0), ("10.0.0.2", 4567), Role.SERVER, FdType.IPV4_LISTENER)
    stream.event("SOCKET_BIND_X", 5, res=0, addr=sockaddr("10.0.0.2", 0), fd=3)
    probe.feed(stream)
    assert probe.noted()[-1] == "10.0.0.2:4567"
    assert probe.fd(5, 3, "bound") == 4567


def test_what_datagrams_told_is_not_forgotten(probe):
    stream = started().event("SOCKET_SOCKET_X", 5, fd=3, domain=2, type=2, proto=0)
    stream.event("SOCKET_SENDTO_X", 5, res=1, fd=3, size=1, tuple=tuple4(*CLIENT, "10.0.0.3", 53))
    probe.feed(read(told(stream, kind=FdType.IPV4, name="", l4proto=int(L4.UDP), role=0)))
    assert probe.noted()[-1] == "10.0.0.1:4000->10.0.0.3:53"


@pytest.mark.parametrize(
    ("ends", "name"),
    [(tuple_unix(0x10, 0x20, "/s"), "10->20 /s"), (tuple_unix(0x10, 0, "/s"), "/s"), (tuple_unix(0x10, 0, ""), "")],
)
def test_unix_sockets_are_named_by_both_ends_or_the_path(probe, ends, name):
    probe.feed(read(told(started(), kind=FdType.UNIX, name="", tuple=ends)))
    assert probe.noted()[-1] == name


THREAD = {"tid": 5, "pid": 5, "ptid": 1, "comm": "new", "exepath": "/bin/new", "start_ts": START}


def test_a_thread_is_told_in_the_midst_of_the_stream(probe):
    stream = Stream().event("SYSCALL_BRK_4_X", 9, res=0)
    stream.call("STATE_THREAD", THREAD | {"exe": "exe", "args": b"a\0b\0", "cwd": "/here"}, 5, flags=1)
    probe.feed(stream)
    facts = [probe.thread(5, name) for name in ("comm", "exe", "exepath", "args", "cwd", "known")]
    assert facts == [b"new", b"exe", b"/bin/new", b"a\0b\0", b"/here/", True]


def test_what_is_told_from_outside_of_a_process_does_not_replace_what_is_known(probe):
    stream = Stream().thread(5, comm="old", args=b"x\0", start_ts=START).event("SYSCALL_BRK_4_X", 5, res=0)
    stream.call("STATE_THREAD", THREAD, 5, flags=1).call("STATE_THREAD", THREAD | {"tid": 6, "pid": 6}, 6, flags=1)
    probe.feed(stream)
    assert (probe.thread(5, "comm"), probe.thread(5, "args")) == (b"old", b"x\0")
    assert (probe.thread(6, "comm"), probe.thread(6, "exe")) == (b"new", b"/bin/new")


def test_a_thread_that_began_later_is_another_one(probe):
    stream = Stream().thread(5, comm="old", start_ts=START - 10**10).event("SYSCALL_OPEN_X", 5, **OPEN)
    stream.call("STATE_THREAD", THREAD | {"exe": "exe"}, 5, flags=1)
    probe.feed(read(stream))
    assert probe.thread(5, "comm") == b"new"
    assert probe.noted()[-1] == "-"


def test_the_parents_exit_does_not_make_a_child_anew_that_was_told(probe):
    stream = Stream().thread(1).event("SYSCALL_BRK_4_X", 1, res=0)
    stream.call("STATE_THREAD", THREAD | {"exe": "exe"}, 5, flags=1)
    stream.call("SYSCALL_CLONE_20_X", {"res": 5, "exe": "parent", "comm": "parent", "flags": 0}, 1)
    probe.feed(stream)
    assert probe.thread(5, "comm") == b"new"


def test_inode_numbers_keep_all_their_digits(probe):
    stream = started()
    told(stream, kind=FdType.PIPE, ino=2**60 + 1, name="")
    probe.feed(stream)
    assert probe.fd(5, 3) == b"pipe:[1152921504606846977]"
