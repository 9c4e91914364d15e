import pytest

from tests.lua_probe import Probe
from tests.synthetic import Stream

AT_FDCWD = -100
O_DIRECTORY, O_CLOEXEC = 1024, 4096


@pytest.fixture
def probe():
    made = Probe()
    made.note("ev.fdnum and ev.fdnum .. ' ' .. (ev.fd and ev.fd.name or '?')")
    made.feed(Stream().thread(5, cwd="/home/me"))
    return made


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("/etc/passwd", "/etc/passwd"),
        ("notes", "/home/me/notes"),
        ("../x", "/home/x"),
        ("./a//b/./c/", "/home/me/a/b/c"),
        ("/../..", "/"),
        ("/a/b/..", "/a"),
        ("/tmp/a\tb", "/tmp/a.b"),
        ("/.hidden/..x", "/.hidden/..x"),
        ("/" + "x" * 2000, "/PATH_TOO_LONG"),
    ],
)
def test_paths_are_joined(probe, given, name):
    probe.feed(Stream().event("SYSCALL_OPEN_X", 5, fd=3, name=given))
    assert probe.fd(5, 3) == name.encode()


def test_open_stores_flags_device_and_inode(probe):
    values = {"fd": 3, "name": "/d", "flags": O_DIRECTORY | 1, "dev": 65, "ino": 99}
    probe.feed(Stream().call("SYSCALL_OPEN_X", values, 5))
    assert [probe.fd(5, 3, f) for f in ("type", "flags", "dev", "ino")] == [2, O_DIRECTORY | 1, 65, 99]
    assert probe.noted() == ["3 /d"]


def test_a_failed_open_makes_nothing(probe):
    probe.feed(Stream().event("SYSCALL_OPEN_X", 5, fd=-2, name="/no"))
    assert probe.fd(5, -2) is None
    assert probe.noted() == ["nil"]


def test_openat_starts_at_its_directory(probe):
    stream = Stream().event("SYSCALL_OPEN_X", 5, fd=3, name="/srv")
    stream.event("SYSCALL_OPENAT_2_X", 5, fd=4, dirfd=3, name="a")
    stream.event("SYSCALL_OPENAT_2_X", 5, fd=5, dirfd=AT_FDCWD, name="a")
    stream.event("SYSCALL_OPENAT_2_X", 5, fd=6, dirfd=44, name="a")
    probe.feed(stream.event("SYSCALL_OPENAT2_X", 5, fd=7, dirfd=3, name="/abs"))
    assert [probe.fd(5, n) for n in (4, 5, 6, 7)] == [b"/srv/a", b"/home/me/a", b"<UNKNOWN>a", b"/abs"]


def test_creat_and_open_by_handle(probe):
    stream = Stream().event("SYSCALL_CREAT_X", 5, fd=3, name="new")
    probe.feed(stream.event("SYSCALL_OPEN_BY_HANDLE_AT_X", 5, fd=4, mountfd=3, path="/mnt/f"))
    assert (probe.fd(5, 3), probe.fd(5, 4)) == (b"/home/me/new", b"/mnt/f")


def test_a_close_is_seen_by_its_own_event(probe):
    stream = Stream().event("SYSCALL_OPEN_X", 5, fd=3, name="/f").event("SYSCALL_CLOSE_X", 5, res=0, fd=3)
    probe.feed(stream.event("SYSCALL_READ_X", 5, res=0, fd=3))
    assert probe.noted() == ["3 /f", "3 /f", "3 ?"]


def test_a_failed_close_closes_nothing(probe):
    stream = Stream().event("SYSCALL_OPEN_X", 5, fd=3, name="/f").event("SYSCALL_CLOSE_X", 5, res=-9, fd=3)
    probe.feed(stream.event("SYSCALL_READ_X", 5, res=0, fd=3))
    assert probe.fd(5, 3) == b"/f"


def test_a_close_reported_late_spares_the_next_owner(probe):
    stream = Stream().event("SYSCALL_OPEN_X", 5, fd=3, name="/old")
    stream.event("SYSCALL_OPEN_X", 5, fd=3, name="/new")
    stream.event("SYSCALL_CLOSE_X", 5, res=0, fd=3, latency=1500).event("SYSCALL_READ_X", 5, res=0, fd=3)
    probe.feed(stream)
    assert probe.fd(5, 3) == b"/new"


def test_copies(probe):
    stream = Stream().call("SYSCALL_OPEN_X", {"fd": 3, "name": "/f", "flags": O_CLOEXEC}, 5)
    stream.event("SYSCALL_DUP_1_X", 5, res=4, oldfd=3)
    stream.event("SYSCALL_DUP2_X", 5, res=9, oldfd=3, newfd=9)
    stream.call("SYSCALL_DUP3_X", {"res": 10, "oldfd": 3, "newfd": 10, "flags": O_CLOEXEC}, 5)
    stream.event("SYSCALL_FCNTL_X", 5, res=11, fd=3, cmd=1)
    stream.event("SYSCALL_FCNTL_X", 5, res=12, fd=3, cmd=26)
    stream.event("SYSCALL_DUP2_X", 5, res=3, oldfd=3, newfd=3)
    probe.feed(stream)
    assert [probe.fd(5, n) for n in (4, 9, 10, 11, 12)] == [b"/f"] * 5
    assert [probe.fd(5, n, "cloexec") for n in (3, 4, 9, 10, 11, 12)] == [True, False, False, True, False, True]
    assert [probe.fd(5, n, "num") for n in (4, 12)] == [4, 12]


def test_close_on_exec_can_be_set_later(probe):
    stream = Stream().event("SYSCALL_OPEN_X", 5, fd=3, name="/a").event("SYSCALL_OPEN_X", 5, fd=4, name="/b")
    stream.event("SYSCALL_FCNTL_X", 5, res=0, fd=3, cmd=3, arg=1)
    stream.event("SYSCALL_IOCTL_3_X", 5, res=0, fd=4, request=0x5451)
    stream.call("SYSCALL_EXECVE_19_X", {"res": 0, "exe": "x"}, 5)
    probe.feed(stream)
    assert (probe.fd(5, 3), probe.fd(5, 4)) == (None, None)


@pytest.mark.parametrize(
    ("event", "values", "kind"),
    [
        ("SYSCALL_EVENTFD2_X", {"res": 3}, 9),
        ("SYSCALL_SIGNALFD4_X", {"res": 3}, 11),
        ("SYSCALL_EPOLL_CREATE1_X", {"res": 3}, 12),
        ("SYSCALL_INOTIFY_INIT1_X", {"res": 3}, 13),
        ("SYSCALL_TIMERFD_CREATE_X", {"res": 3}, 14),
        ("SYSCALL_USERFAULTFD_X", {"res": 3}, 18),
        ("SYSCALL_IO_URING_SETUP_X", {"res": 3}, 19),
        ("SYSCALL_MEMFD_CREATE_X", {"fd": 3, "name": "shm"}, 20),
        ("SYSCALL_PIDFD_OPEN_X", {"fd": 3}, 21),
        ("SYSCALL_BPF_2_X", {"fd": 3, "cmd": 5}, 17),
    ],
)
def test_calls_that_make_one_fd(probe, event, values, kind):
    probe.feed(Stream().call(event, values, 5))
    assert probe.fd(5, 3, "type") == kind
    assert probe.fd(5, 3) == values.get("name", "").encode()


def test_bpf_commands_that_make_no_fd(probe):
    probe.feed(Stream().event("SYSCALL_BPF_2_X", 5, fd=3, cmd=1))
    assert probe.fd(5, 3) is None


def test_pipes_have_two_ends(probe):
    probe.feed(Stream().event("SYSCALL_PIPE2_X", 5, res=0, fd1=3, fd2=4, ino=77))
    assert [(probe.fd(5, n, "type"), probe.fd(5, n, "ino")) for n in (3, 4)] == [(7, 77), (7, 77)]


def test_close_range(probe):
    stream = Stream()
    for n in (3, 4, 5):
        stream.event("SYSCALL_OPEN_X", 5, fd=n, name="/f")
    stream.event("SYSCALL_CLOSE_RANGE_X", 5, res=0, first=4, last=2**32 - 1).event("SYSCALL_READ_X", 5, res=0)
    probe.feed(stream)
    assert [probe.fd(5, n) for n in (3, 4, 5)] == [b"/f", None, None]


def test_an_fd_taken_from_another_process(probe):
    stream = Stream().thread(6).event("SYSCALL_OPEN_X", 6, fd=8, name="/theirs")
    stream.call("SYSCALL_PIDFD_OPEN_X", {"fd": 3, "pid": 6}, 5)
    probe.feed(stream.event("SYSCALL_PIDFD_GETFD_X", 5, fd=4, pid_fd=3, target_fd=8))
    assert probe.fd(5, 4) == b"/theirs"


def test_a_sendfile_is_about_its_first_fd(probe):
    stream = Stream().event("SYSCALL_OPEN_X", 5, fd=3, name="/in")
    probe.feed(stream.event("SYSCALL_SENDFILE_X", 5, res=1, out_fd=3, in_fd=4))
    assert probe.noted()[-1] == "3 /in"


ENDS = ("l4", "role", "sip", "sport", "dip", "dport", "bound", "sent", "received", "source", "peer", "path", "pid")
KEPT = ("flags", "dev", "ino", "listener", "connected", "has_tracers", "closing", "close_canceled", "flow")
COPY = """
local fds, ev, names = require("state.fds"), require("ev"), ...
fds.carry("flow")
local fd = fds.new(3, fds[names.kind], "x")
fd.cloexec, ev.rel = true, 77
for _, name in ipairs(names) do fd[name] = "the " .. name end
local copy, wrong = fds.copy(fd, 4), {}
for name, value in pairs(fd) do
    if copy[name] ~= value then wrong[#wrong + 1] = name end
end
for name, value in pairs(copy) do
    if fd[name] ~= value then wrong[#wrong + 1] = name end
end
return table.concat(wrong, " "), copy.num, copy.cloexec, copy.opened
"""


@pytest.mark.parametrize("kind", ["FILE", "PIPE", "IPV4", "UNIX", "PIDFD"])
@pytest.mark.parametrize("names", [(), *((name,) for name in ENDS), (*KEPT, *ENDS)])
def test_a_copy_holds_all_but_the_number_and_close_on_exec(probe, kind, names):
    arguments = {**dict(enumerate(map(str.encode, names), 1)), b"kind": kind.encode()}
    wrong, *own = probe.engine.execute(COPY, probe.engine.table(arguments))
    assert set(wrong.split()) == {b"num", b"cloexec", b"opened"}
    assert own == [4, False, 77]
