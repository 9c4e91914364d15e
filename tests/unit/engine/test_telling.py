"""A filtered trace holds the state of the events it keeps, and nothing of anybody else."""

import gzip
from pathlib import Path

import pytest

from sysdig_py.schema.state import L4, FdType, Role, State
from sysdig_py.trace.format import Totals, make_header
from sysdig_py.trace.reader import NativeReader
from sysdig_py.trace.writer import NativeWriter
from sysdig_py.ui.cli import run
from sysdig_py.ui.cli.options import Options
from tests.synthetic import START, Stream, record, tuple4
from tests.traces import MACHINE

FIELDS = (
    "*%evt.num %evt.type %evt.args %proc.name %proc.pname %proc.aname[2] %proc.args %proc.exepath %proc.cwd %proc.env"
    " %fd.num %fd.name %fd.type %container.id %container.name %user.name %evt.latency %evt.reltime"
)
# of the other container and its processes; none of it may be in a trace of the first one
SECRETS = (b"otherproc", b"secret-argument", b"SECRET=1", b"/secret/file", b"/secret/opened", b"othercontainer",
           b"10.6.6.6", b"\x0a\x06\x06\x06", b"payload-of-other", b"otheruser", b"/secret/cwd", b"dead")  # fmt: skip


def _thread(stream: Stream, tid: int, **values: object) -> None:
    defaults = {"ptid": 1, "cwd": "/srv", "env": b"HOME=/root\0", "sid": 1, "vpgid": 1, "pgid": 1}
    stream.thread(tid, **(defaults | values))


def _snapshot(stream: Stream) -> None:
    for cgroup, name, ip in ((7, "web", "10.0.0.7"), (8, "othercontainer", "10.6.6.6")):
        container = {7: "aaaaaaaaaaaa", 8: "deaddeaddead"}[cgroup]
        stream.state(State.CONTAINER, id=container, full_id=container, name=name, type="docker", ip=ip)
        stream.state(State.CGROUP, cgroup_id=cgroup, path=f"/docker/{container}", container_id=container)
    _thread(stream, 1, comm="init", exe="/sbin/init", ptid=0, args=b"init-argument\0", env=b"INITENV=1\0")
    _thread(stream, 10, cgroup=7, comm="nginx", exe="nginx", args=b"-g\0", uid=33)
    other = {"args": b"secret-argument\0", "env": b"SECRET=1\0", "cwd": "/secret/cwd", "uid": 66}
    _thread(stream, 20, cgroup=8, comm="otherproc", exe="otherproc", **other)
    stream.state(State.USER, uid=33, gid=33, name="www-data")
    stream.state(State.USER, uid=66, gid=66, name="otheruser")
    for tid, name in ((10, "/etc/motd"), (20, "/secret/file")):
        stream.state(State.FD, tid=tid, pid=tid, fd=3, type=FdType.FILE, name=name)
    stream.state(State.FD, tid=10, pid=10, fd=4, type=FdType.FILE, name="/never/used")
    ends = {"l4proto": L4.TCP, "role": Role.CLIENT}
    stream.state(State.FD, tid=20, pid=20, fd=5, type=FdType.IPV4, tuple=tuple4("10.6.6.6", 9, "10.6.6.7", 80), **ends)


def _events(stream: Stream) -> None:
    event, call = stream.event, stream.call
    web, other = {"tid": 10, "cgroup": 7}, {"tid": 20, "cgroup": 8}
    event("SYSCALL_OPENAT_2_X", **other, fd=6, dirfd=-100, name="/secret/opened", flags=1)
    event("SYSCALL_READ_X", **other, res=16, data=b"payload-of-other", fd=6, size=16)
    event("SYSCALL_READ_X", **web, res=5, data=b"hello", fd=3, size=5, latency=2000)
    event("SYSCALL_OPENAT_2_X", **web, fd=5, dirfd=-100, name="x.log", flags=2)
    event("SYSCALL_CHDIR_X", **web, res=0, path="sub")
    event("SYSCALL_WRITE_X", **web, res=3, data=b"log", fd=5, size=3)
    event("SYSCALL_CLOSE_X", **web, res=0, fd=5)
    event("SYSCALL_READ_X", **web, res=-9, fd=5, size=3)
    event("SYSCALL_EPOLL_CREATE1_X", **other, res=9)
    child = {"exe": "nginx", "comm": "nginx", "pid": 11, "ptid": 10, "tid": 11, "vtid": 11, "vpid": 11, "uid": 33}
    call("SYSCALL_CLONE_20_X", {**child, "res": 0}, tid=11, cgroup_id=7)
    call("SYSCALL_CLONE_20_X", {**child, "res": 11, "tid": 10, "vtid": 10}, tid=10, cgroup_id=7)
    executed = {
        "res": 0,
        "exe": "sh",
        "comm": "sh",
        "args": b"-c\0",
        "pid": 11,
        "ptid": 10,
        "tid": 11,
        "filename": "/bin/sh",
    }
    call("SYSCALL_EXECVE_19_X", executed, tid=11, cgroup_id=7)
    event("SYSCALL_FSTAT_X", tid=11, cgroup=7, res=0, fd=3)
    call("SYSCALL_KILL_X", {"res": 0, "pid": 1, "sig": 15}, tid=10, cgroup_id=7)
    call("SYSCALL_KILL_X", {"res": 0, "pid": 20, "sig": 9}, tid=10, cgroup_id=7)
    call("PROCEXIT_1_E", {"status": 0}, tid=11, cgroup_id=7)


@pytest.fixture
def story(tmp_path: Path) -> Path:
    stream = Stream(step=1_000_000)
    _snapshot(stream)
    _events(stream)
    path = tmp_path / "story.spy"
    writer = NativeWriter(path, make_header(MACHINE, START, 80, "", "test"))
    writer.write_block(stream.data, START, stream.ts, 30)
    writer.close(Totals(events=16, bytes=len(stream.data), lost={}, seconds=0.1))
    return path


def _lines(path: Path, capfd: pytest.CaptureFixture[str], *words: str) -> list[str]:
    capfd.readouterr()
    run.run(Options(read=(str(path),), format=FIELDS, words=words), lambda: False)
    return capfd.readouterr().out.splitlines()


def _filtered(path: Path, target: Path, *words: str) -> Path:
    run.run(Options(read=(str(path),), write=str(target), words=words), lambda: False)
    return target


def _content(path: Path) -> bytes:
    if path.name.endswith(".spy"):
        with NativeReader(path) as reader:
            return b"".join(bytes(block.records) for block in reader) + repr(reader.header).encode()
    return gzip.decompress(path.read_bytes()) if path.name.endswith(".gz") else path.read_bytes()


@pytest.mark.parametrize("name", ["web.spy", "web.scap", "web.scap.gz"])
def test_nothing_of_another_container_is_in_the_file(story: Path, tmp_path: Path, name: str) -> None:
    assert all(secret in _content(story) for secret in SECRETS)
    content = _content(_filtered(story, tmp_path / name, "container.name=web"))
    assert b"nginx" in content and b"/etc/motd" in content
    # what a file format has no later place for is no secret of a container
    secrets = [secret for secret in SECRETS if name.endswith("spy") or secret != b"otheruser"]
    assert [secret for secret in secrets if secret in content] == []


FILTERS = [
    "container.name=web", "evt.type=read", "fd.name=/srv/x.log", "evt.type in (clone,execve)", "evt.type=kill",
    "proc.name=sh", "evt.failed=true", "evt.type=chdir", "evt.type=fstat", "evt.type=procexit", "container.name!=web",
]  # fmt: skip


@pytest.mark.parametrize("words", FILTERS)
def test_a_replay_prints_what_the_filter_showed(
    story: Path, tmp_path: Path, words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    shown = _lines(story, capfd, words)
    assert shown
    # whom a process of this container killed is another container's secret
    shown = [line.replace("pid=20(otherproc)", "pid=20") for line in shown]
    assert _lines(_filtered(story, tmp_path / "f.spy", words), capfd) == shown
    assert _lines(_filtered(tmp_path / "f.spy", tmp_path / "again.spy"), capfd) == shown


def test_an_fd_that_is_told_at_its_first_use_is_told_to_the_file(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    stream = Stream(step=1_000_000)
    _snapshot(stream)
    stream.event("SYSCALL_BRK_4_X", 10, cgroup=7, res=0)
    facts = {"fd": 9, "type": FdType.FILE, "name": "/first/used", "ino": 5}
    # as the probe makes it: with the time of the event that it comes before
    stream.data += record("STATE_FD", facts, tid=10, pid=10, ts=stream.ts + stream.step, flags=1)
    stream.event("SYSCALL_WRITE_X", 10, cgroup=7, res=2, data=b"ok", fd=9, size=2)
    path = tmp_path / "touched.spy"
    writer = NativeWriter(path, make_header(MACHINE, START, 80, "", "test"))
    writer.write_block(stream.data, START, stream.ts, 2)
    writer.close(Totals(events=2, bytes=len(stream.data), lost={}, seconds=0.1))
    shown = _lines(path, capfd, "evt.type=write")
    assert "/first/used" in shown[0]
    assert _lines(_filtered(path, tmp_path / "f.spy", "evt.type=write"), capfd) == shown


def test_of_ancestors_only_their_names_are_told(story: Path, tmp_path: Path) -> None:
    content = _content(_filtered(story, tmp_path / "web.spy", "container.name=web"))
    assert b"/sbin/init" in content
    assert b"init-argument" not in content and b"INITENV" not in content


def test_fds_that_no_kept_event_uses_are_not_told(story: Path, tmp_path: Path) -> None:
    assert b"/never/used" not in _content(_filtered(story, tmp_path / "web.spy", "container.name=web"))


def test_other_files_of_a_kept_process_are_not_told(story: Path, tmp_path: Path) -> None:
    content = _content(_filtered(story, tmp_path / "web.spy", "fd.name=/etc/motd"))
    assert b"/etc/motd" in content and b"x.log" not in content


def test_a_process_that_is_renamed_is_told_again(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    stream = Stream().thread(1, comm="init", ptid=0).thread(10, comm="parent").thread(11, ptid=10, comm="child")
    stream.event("SYSCALL_GETUID_X", tid=11, uid=0)
    stream.call("SYSCALL_EXECVE_19_X", {"res": 0, "exe": "new", "comm": "renamed", "pid": 10}, tid=10)
    stream.event("SYSCALL_GETUID_X", tid=11, uid=0)
    path = tmp_path / "renamed.spy"
    writer = NativeWriter(path, make_header(MACHINE, START, 80, "", "test"))
    writer.write_block(stream.data, START, stream.ts, 6)
    writer.close(Totals(events=3, bytes=1, lost={}, seconds=0.1))
    shown = _lines(path, capfd, "proc.name=child")
    assert "parent" in shown[0] and "renamed" in shown[1]
    assert _lines(_filtered(path, tmp_path / "f.spy", "proc.name=child"), capfd) == shown


def test_a_process_whose_parent_ended_is_told_again(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    stream = Stream().thread(1, comm="init", ptid=0).thread(10, comm="parent", ptid=1).thread(11, ptid=10, comm="child")
    stream.event("SYSCALL_GETUID_X", tid=11, uid=0)
    stream.event("PROCEXIT_1_E", tid=10, status=0, reaper_tid=1)
    stream.event("SYSCALL_GETUID_X", tid=11, uid=0)
    path = tmp_path / "orphan.spy"
    writer = NativeWriter(path, make_header(MACHINE, START, 80, "", "test"))
    writer.write_block(stream.data, START, stream.ts, 6)
    writer.close(Totals(events=3, bytes=1, lost={}, seconds=0.1))
    shown = _lines(path, capfd, "proc.name=child")
    assert "child parent init" in shown[0] and "child init" in shown[1]
    assert _lines(_filtered(path, tmp_path / "f.spy", "proc.name=child"), capfd) == shown
