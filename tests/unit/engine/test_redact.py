"""No secret reaches the bytes of a redacted trace, and what it is replaced by still joins."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysdig_py.engine.vm import Engine
from sysdig_py.schema.record import pack_record, unpack_record
from sysdig_py.schema.state import FdType, State
from sysdig_py.trace.format import Totals, make_header
from sysdig_py.trace.reader import NativeReader
from sysdig_py.trace.writer import NativeWriter
from sysdig_py.ui.cli import run
from sysdig_py.ui.cli.options import Options
from tests.synthetic import START, Stream, sockaddr_unix, tuple_unix
from tests.traces import MACHINE
from tests.unit.engine.test_telling import _content

SECRETS = {
    "payload": [b"payload-secret", b"option-secret", b"control-secret"],
    "args": [b"argument-secret", b"second-secret", b"exec-secret"],
    "env": [b"value-secret", b"exec-value", b"container-secret"],
    "paths": [b"folder-secret", b"file-secret", b"socket-secret", b"relative-secret", b"cwd-secret", b"link-secret"],
}
ALL = ("payload", "args", "env", "paths")


def _stream() -> Stream:
    stream = Stream(step=1_000_000)
    json = '{"env":["PASSWORD=container-secret"]}'
    stream.state(State.CONTAINER, id="aaaaaaaaaaaa", name="web", type="docker", json=json)
    stream.state(State.CGROUP, cgroup_id=7, path="/docker/aaaaaaaaaaaa", container_id="aaaaaaaaaaaa")
    arguments = {"args": b"argument-secret\0second-secret\0", "env": b"PASSWORD=value-secret\0"}
    stream.thread(10, cgroup=7, comm="nginx", exe="nginx", cwd="/cwd-secret", **arguments)
    stream.state(State.FD, tid=10, pid=10, fd=3, type=FdType.FILE, name="/folder-secret/file-secret")
    ends = tuple_unix(1, 2, "/run/socket-secret")
    stream.state(State.FD, tid=10, pid=10, fd=4, type=FdType.UNIX, name="/run/socket-secret", tuple=ends)
    event, web = stream.event, {"tid": 10, "cgroup": 7}
    event("SYSCALL_READ_X", **web, res=14, data=b"payload-secret", fd=3, size=80)
    event("SYSCALL_WRITE_X", **web, res=14, data=b"payload-secret", fd=4, size=80)
    event("SYSCALL_OPENAT_2_X", **web, fd=5, dirfd=-100, name="relative-secret/../file-secret", flags=1)
    event("SYSCALL_READ_X", **web, res=1, data=b"other", fd=5, size=80)
    event("SYSCALL_SYMLINK_X", **web, res=0, target="link-secret", linkpath="/tmp/link-secret")
    event("SOCKET_CONNECT_X", **web, res=0, tuple=ends, fd=4, addr=sockaddr_unix("/run/socket-secret"))
    event("SOCKET_RECVMSG_X", **web, res=1, size=1, data=b"x", msgcontrol=b"control-secret", fd=4)
    event("SOCKET_SETSOCKOPT_X", **web, res=0, fd=4, level=1, optname=1, val=b"\0option-secret", optlen=13)
    executed = {"res": 0, "exe": "sh", "comm": "sh", "args": b"exec-secret\0", "env": b"TOKEN=exec-value\0", "pid": 10}
    executed |= {"filename": "/folder-secret/sh", "trusted_exepath": "/folder-secret/sh", "cwd": "/cwd-secret"}
    stream.call("SYSCALL_EXECVE_19_X", executed, tid=10, cgroup_id=7)
    return stream


@pytest.fixture
def story(tmp_path: Path) -> Path:
    stream = _stream()
    path = tmp_path / "story.spy"
    writer = NativeWriter(path, make_header(MACHINE, START, 80, "", "test"))
    writer.write_block(stream.data, START, stream.ts, 14)
    writer.close(Totals(events=9, bytes=1, lost={}, seconds=0.1))
    return path


def _redacted(story: Path, target: Path, classes: tuple[str, ...], *words: str) -> Path:
    run.run(Options(read=(str(story),), write=str(target), redact=classes, words=words), lambda: False)
    return target


def _lines(path: Path, capfd: pytest.CaptureFixture[str], fields: str, *words: str) -> list[str]:
    capfd.readouterr()
    run.run(Options(read=(str(path),), format=fields, words=words), lambda: False)
    return capfd.readouterr().out.splitlines()


@pytest.mark.parametrize("classes", [ALL, *((name,) for name in ALL)])
@pytest.mark.parametrize("name", ["r.spy", "r.scap", "r.scap.gz"])
@pytest.mark.parametrize("words", [(), ("evt.num>0",)])
def test_no_secret_is_in_the_file(
    story: Path, tmp_path: Path, classes: tuple[str, ...], name: str, words: tuple[str, ...]
) -> None:
    plain = _content(story)
    content = _content(_redacted(story, tmp_path / name, classes, *words))
    for kind, secrets in SECRETS.items():
        assert all(secret in plain for secret in secrets)
        if kind in classes:
            assert [secret for secret in secrets if secret in content] == []
    assert b"nginx" in content and b"r~" in content


def test_names_that_are_no_secret_stay(story: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = _redacted(story, tmp_path / "r.spy", ALL)
    shown = _lines(path, capfd, "%evt.num %evt.type %proc.name %container.name %fd.num", "fd.num>0")
    assert shown == _lines(story, capfd, "%evt.num %evt.type %proc.name %container.name %fd.num", "fd.num>0")
    assert "PASSWORD=r~" in _lines(path, capfd, "%proc.env")[0]
    with NativeReader(path) as reader:
        assert reader.header["redacted"] == list(ALL)


def test_equal_values_stay_equal_and_paths_are_joined(
    story: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = _redacted(story, tmp_path / "r.spy", ALL)
    read, written = _lines(path, capfd, "%evt.buffer", "evt.type in (read,write) and evt.buflen=14")
    assert read == written != "payload-secret"
    opened = _lines(path, capfd, "%fd.name", "evt.type=openat")[0]
    first = _lines(path, capfd, "%fd.name", "evt.num=1")[0]
    cwd = _lines(path, capfd, "%proc.cwd", "evt.num=1")[0]
    # the file in the working directory has the name of the other file, and no component in between
    assert opened == cwd + first.rsplit("/", 1)[1]


def test_two_traces_have_nothing_in_common(story: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    one, other = (_redacted(story, tmp_path / name, ALL) for name in ("a.spy", "b.spy"))
    assert _lines(one, capfd, "%fd.name", "evt.num=1") != _lines(other, capfd, "%fd.name", "evt.num=1")


def test_a_series_is_redacted_too(story: Path, tmp_path: Path) -> None:
    options = Options(read=(str(story),), write=str(tmp_path / "s.spy"), redact=ALL, file_events=2)
    run.run(options, lambda: False)
    content = b"".join(_content(path.rename(path.with_name(path.name + ".spy"))) for path in tmp_path.glob("s.spy?"))
    assert content and not [secret for secrets in SECRETS.values() for secret in secrets if secret in content]


def test_the_hash_is_siphash() -> None:
    engine = Engine()
    engine.require("siphash")[b"set_key"](bytes(range(16)))
    hashed = engine.require("siphash")[b"hex"]
    # the vectors of the paper's reference implementation, as numbers
    assert hashed(b"") == b"726fdb47dd0e0e31"
    assert hashed(bytes(range(15))) == b"a129ca6149be45e5"


@given(st.binary(min_size=1, max_size=60))
def test_damaged_records_end_nothing(damage: bytes) -> None:
    engine = Engine()
    engine.redact(ALL, os.urandom(16))
    good = pack_record(7, [b"\1" * 8, b"payload-secret"], ts=1)
    damaged = (good[:48] + damage + good[48 + len(damage) :])[: len(good)]
    made = bytes(engine.require("redact")[b"inner"](damaged))
    assert made in (b"", damaged) or unpack_record(made).size == len(made)
