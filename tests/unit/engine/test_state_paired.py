"""State rules of streams with enter events, as a .scap has them."""

import struct
from contextlib import closing
from pathlib import Path

import pytest

from sysdig_py.capture.traces import open_replay
from sysdig_py.engine.vm import Engine
from tests import scap
from tests.lua_probe import Probe
from tests.scap import i64, string, u8, u32
from tests.synthetic import sockaddr, sockaddr_unix, tuple4, tuple_unix

HASH = "ab" * 32
STATE = (
    scap.block(0x219, scap.interface("eth0", bytes([10, 0, 2, 15]), bytes([255, 255, 255, 0]))),
    scap.processes(
        scap.process(10, comm="prog", env=b"A=1\0"),
        scap.process(11, 10, comm="thr", flags=8193, ptid=10),
        scap.process(20, comm="ctr", cgroups=f"cpu=/docker/{HASH}\0".encode()),
    ),
    scap.fds(10, scap.fd(3, 16, u32(1) + scap.text("/etc/x") + u32(9))),
)
FD = "ev.num .. ' ' .. tostring(ev.fdnum) .. ' ' .. tostring(ev.fd and ev.fd.name) .. ' ' .. tostring(ev.latency)"


@pytest.fixture
def play(tmp_path: Path):
    def run(trace: scap.Trace, note: str = FD) -> Probe:
        path = tmp_path / "t.scap"
        path.write_bytes(trace.data)
        with closing(open_replay(path)) as source:
            probe = Probe(Engine(dialect=source.dialect))
            probe.note(note)
            source.start(probe.engine)
            while source.pump(probe.engine):
                pass
        return probe

    return run


def trace() -> scap.Trace:
    return scap.Trace(*STATE)


def test_an_exit_belongs_to_the_enter_before_it(play):
    t = trace().event(6, i64(3), u32(1)).event(7, i64(1), b"a")
    t.event(7, i64(1), b"a").event(232, i64(1)).event(7, i64(1), b"a")
    assert play(t).noted() == [
        "1 3 /etc/x 0", "2 3 /etc/x 1000", "3 3 /etc/x 2000", "4 nil nil 0", "5 -1 nil 1000",
    ]  # fmt: skip


def test_the_name_of_the_enter_event_wins(play):
    t = trace().event(2, string("rel/../a"), u32(1), u32(0)).event(3, i64(9), string("x"), u32(2), u32(0), u32(5))
    t.event(232, i64(1)).event(3, i64(8), string("late"), u32(1), u32(0), u32(5))
    probe = play(t)
    assert probe.noted() == ["1 -1 nil 0", "2 9 /home/a 1000", "3 nil nil 0", "4 8 /home/late 1000"]
    assert probe.fd(10, 9, "flags") == 1


def test_a_number_given_out_again_before_its_close_is_done(play):
    t = trace().event(4, i64(3)).event(2, string("/again"), u32(1), u32(0), tid=11)
    t.event(3, i64(3), string("/again"), u32(1), u32(0), u32(5), tid=11).event(5, i64(0))
    t.event(6, i64(3), u32(1)).event(4, i64(3)).event(5, i64(0)).event(6, i64(3), u32(1))
    assert play(t, "tostring(ev.fd and ev.fd.name)").noted() == [
        "/etc/x", "nil", "/again", "/again", "/again", "/again", "/again", "nil",
    ]  # fmt: skip


def test_threads_share_files_by_how_they_were_made(play):
    own = scap.Trace(scap.processes(scap.process(10), scap.process(11, 10, flags=8192)), STATE[2])
    for t, name in ((trace(), "/etc/x"), (own, "nil")):
        assert play(t.event(6, i64(3), u32(1), tid=11), "tostring(ev.fd and ev.fd.name)").noted() == [name]


def kid(res: int, tid: int, pid: int, ptid: int, flags: int = 0, vtid: int = 0) -> list[bytes]:
    ids = [i64(number) for number in (tid, pid, ptid)]
    texts = [string("kidexe"), b"a\0b\0"]
    memory = [i64(1), i64(2), u32(3), u32(4), u32(5)]
    tail = [u32(flags), u32(1000), u32(100), i64(vtid or tid), i64(vtid or pid)]
    return [i64(res), *texts, *ids, string(""), i64(512), *memory, string("kid"), b"", *tail]


@pytest.mark.parametrize("child_first", [False, True])
def test_a_birth_is_one_birth_whoever_reports_it_first(play, child_first: bool):
    t = trace().event(222)
    parent, child = (kid(30, 10, 10, 1), 10), (kid(0, 30, 30, 10), 30)
    for params, tid in (child, parent) if child_first else (parent, child):
        t.event(223, *params, tid=tid)
    probe = play(t)
    facts = [probe.thread(30, f) for f in ("comm", "exe", "args", "ptid", "cwd", "env", "fdlimit", "vmrss")]
    assert facts == [b"kid", b"kidexe", b"a\0b\0", 10, b"/home/", b"A=1", 512, 4]
    assert probe.fd(30, 3) == b"/etc/x"
    assert probe.value("fd(30, 3) ~= fd(10, 3)")


def test_in_a_pid_namespace_only_the_child_tells(play):
    t = trace().event(223, *kid(2, 20, 20, 1, 0x20000000, 1), tid=20)
    probe = play(t.event(223, *kid(0, 33, 33, 20, 0x20000000, 2), tid=33))
    assert probe.thread(2, "comm") is None
    assert (probe.thread(33, "vtid"), probe.thread(33, "ptid")) == (2, 20)


def test_a_parent_nobody_knows_is_described_by_its_child(play):
    probe = play(trace().event(222, tid=80).event(223, *kid(81, 80, 80, 1), tid=80))
    assert (probe.thread(80, "comm"), probe.thread(80, "exe")) == (b"kid", b"kidexe")


def test_execve_takes_the_path_of_its_enter_event(play):
    memory = [i64(1), i64(2), u32(3), u32(4), u32(5)]
    params = [i64(0), string("new"), b"x\0", i64(10), i64(10), i64(1), string(""), i64(77), *memory, string("comm2"),
              f"cpu=/docker/{HASH}\0".encode(), b"E=2\0", u32(34816), i64(5), u32(1000), u32(1)]  # fmt: skip
    probe = play(trace().event(292, string("bin/new")).event(293, *params), "ev.container and ev.container.id")
    assert probe.noted() == ["nil", "abababababab"]
    facts = [probe.thread(10, f) for f in ("comm", "exe", "exepath", "env", "tty", "vpgid", "loginuid", "fdlimit")]
    assert facts == [b"comm2", b"new", b"/home/bin/new", b"E=2", 34816, 5, 1000, 77]


def test_ids_and_directories(play):
    t = trace().event(94).event(95, i64(0), string("../x"))
    t.event(198, u32(5)).event(199, i64(0)).event(192, u32(1), u32(0xFFFFFFFF), u32(6)).event(193, i64(0))
    t.event(142, u8(7)).event(143, i64(0), i64(99), i64(100)).event(201, i64(0))
    probe = play(t)
    assert [probe.thread(10, f) for f in ("cwd", "uid", "gid", "fdlimit")] == [b"/x/", 5, 100, 99]


def test_a_process_stays_until_its_threads_are_gone(play):
    t = trace().event(186, i64(0)).event(6, i64(3), u32(1), tid=11)
    assert play(t).thread(10, "comm") == b"prog"
    t.event(186, i64(0), tid=11).event(6, i64(3), u32(1), tid=20)
    probe = play(t)
    assert (probe.thread(10, "comm"), probe.thread(11, "comm")) == (None, None)


def test_sockets_by_connect_and_accept(play):
    t = trace().event(18, u32(2), u32(1), u32(0)).event(19, i64(5)).event(22, i64(5), sockaddr("1.2.3.4", 80))
    t.event(23, i64(-115), tuple4("10.0.2.15", 4444, "1.2.3.4", 80)).event(246)
    t.event(247, i64(6), tuple4("9.9.9.9", 1, "10.0.2.15", 22), u8(0), u32(0), u32(5))
    t.event(18, u32(1), u32(1), u32(0)).event(19, i64(7)).event(22, i64(7), sockaddr_unix("/run/b"))
    t.event(23, i64(0), tuple_unix(16, 32, "/run/b"))
    probe = play(t)
    assert (probe.fd(10, 5), probe.fd(10, 5, "role"), probe.fd(10, 5, "l4")) == (
        b"10.0.2.15:4444->1.2.3.4:80", b"client", b"tcp",
    )  # fmt: skip
    assert (probe.fd(10, 6), probe.fd(10, 6, "role")) == (b"9.9.9.9:1->10.0.2.15:22", b"server")
    assert probe.fd(10, 7) == b"10->20 /run/b"


def test_datagrams_tell_the_ends_of_a_socket(play):
    t = trace().event(18, u32(2), u32(2), u32(0)).event(19, i64(5))
    t.event(30, i64(5), u32(1), tuple4("0.0.0.0", 4445, "1.1.1.1", 99)).event(31, i64(1), b"a")
    t.event(34, i64(5), u32(1)).event(35, i64(1), b"a", tuple4("1.1.1.1", 99, "10.0.2.15", 4445))
    t.event(30, i64(40), u32(1), tuple4("0.0.0.0", 1, "1.1.1.1", 2)).event(31, i64(1), b"a")
    probe = play(t)
    assert (probe.fd(10, 5), probe.fd(10, 5, "role")) == (b"10.0.2.15:4445->1.1.1.1:99", b"client")
    assert probe.fd(10, 40) == b"10.0.2.15:1->1.1.1.1:2"


def test_sockets_found_at_the_start_are_servers_where_somebody_listens(play):
    def pair(number: int, sport: int) -> bytes:
        ends = bytes([10, 0, 2, 15, 9, 9, 9, 9]) + struct.pack("<HHB", sport, 1234, 2)
        return scap.fd(number, 3, ends)

    listener = scap.fd(5, 5, bytes(4) + struct.pack("<HB", 80, 2))
    probe = play(scap.Trace(STATE[1], scap.fds(10, listener, pair(6, 80), pair(7, 81))).event(6, i64(3), u32(1)))
    assert (probe.fd(10, 6), probe.fd(10, 6, "role")) == (b"9.9.9.9:1234->10.0.2.15:80", b"server")
    assert (probe.fd(10, 7), probe.fd(10, 7, "role")) == (b"10.0.2.15:81->9.9.9.9:1234", b"client")


@pytest.mark.parametrize(
    ("path", "kind", "name"),
    [
        (f"/docker/{HASH}", "docker", "abababababab"),
        (f"/system.slice/docker-{HASH}.scope", "docker", "abababababab"),
        (f"/m/libpod-{HASH}.scope", "podman", "abababababab"),
        (f"/k/crio-{HASH}.scope", "cri", "abababababab"),
        (f"/a:cri-containerd:{HASH}", "cri", "abababababab"),
        ("/lxc/box/x", "lxc", "box"),
        ("/machine.slice/machine-lxc\\x2d12\\x2dfoo.scope", "libvirt-lxc", "12\\x2dfoo"),
        ("/garden-bpm-job.scope", "bpm", "job"),
        (f"/docker/{HASH}/sub", None, None),
        ("/user.slice", None, None),
    ],
)
def test_containers_by_cgroup(play, path: str, kind: str | None, name: str | None):
    t = scap.Trace(scap.processes(scap.process(10, cgroups=f"cpu={path}\0".encode()))).event(6, i64(3), u32(1))
    shown = "tostring(ev.container and ev.container.type) .. ' ' .. tostring(ev.container and ev.container.id)"
    probe = play(t, shown)
    assert probe.noted() == [f"{kind or 'nil'} {name or 'nil'}"]


def test_a_rejected_enter_event_leaves_its_exit_alone(play, tmp_path: Path):
    path = tmp_path / "r.scap"
    path.write_bytes(trace().event(6, i64(3), u32(1)).event(7, i64(1), b"a").data)
    with closing(open_replay(path)) as source:
        probe = Probe(Engine(dialect=source.dialect))
        probe.filter("ev.is_exit")
        probe.note("tostring(ev.valid)")
        source.start(probe.engine)
        while source.pump(probe.engine):
            pass
    assert probe.noted() == ["false"]
