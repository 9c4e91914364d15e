"""This process opens one of each kind and looks at itself."""

import ctypes
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sysdig_py.capture.proc import fds
from sysdig_py.capture.proc.fds import OpenFile, encode_dev, ppm_flags
from sysdig_py.capture.proc.reading import directory
from sysdig_py.capture.proc.sockets import NetworkNamespace
from sysdig_py.schema.events import flag_tables
from sysdig_py.schema.state import L4, FdType, Role, State
from tests.unit.state_records import parse

FLAGS = dict(flag_tables()["file_flags"])
LIBC = ctypes.CDLL(None, use_errno=True)


def look(num: int) -> OpenFile:
    namespace = NetworkNamespace()
    with directory("/proc/self") as process_fd:
        namespace.load(process_fd)
        return next(file for file in fds.open_files(process_fd, namespace) if file.num == num)


@contextmanager
def closing(num: int) -> Iterator[int]:
    assert num >= 0
    try:
        yield num
    finally:
        os.close(num)


def test_regular_file(tmp_path: Path) -> None:
    path = tmp_path / "f"
    with closing(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC)) as num:
        file, status = look(num), os.fstat(num)
    assert (file.type, file.name, file.ino) == (FdType.FILE_V2, os.fsencode(path), status.st_ino)
    assert file.dev == encode_dev(status.st_dev)
    assert file.flags == sum(FLAGS[name] for name in ("O_RDWR", "O_APPEND", "O_NONBLOCK", "O_CLOEXEC"))
    assert (file.tuple, file.l4, file.role) == (b"", L4.NONE, Role.NONE)


def test_directory(tmp_path: Path) -> None:
    with closing(os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)) as num:
        file = look(num)
    assert (file.type, file.name) == (FdType.DIRECTORY, os.fsencode(tmp_path))
    assert file.flags & FLAGS["O_DIRECTORY"] and file.flags & FLAGS["O_RDONLY"]


def test_pipes(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    with closing(reader), closing(writer):
        ends = look(reader), look(writer)
        inode = os.fstat(reader).st_ino
    assert {(end.type, end.ino, end.name) for end in ends} == {(FdType.PIPE, inode, f"pipe:[{inode}]".encode())}
    os.mkfifo(tmp_path / "fifo")
    with closing(os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK)) as num:
        assert (look(num).type, look(num).name) == (FdType.PIPE, os.fsencode(tmp_path / "fifo"))


def test_kinds_without_a_name() -> None:
    made = {
        FdType.EVENTPOLL: LIBC.epoll_create1(0),
        FdType.EVENT: LIBC.eventfd(0, 0),
        FdType.INOTIFY: LIBC.inotify_init1(0),
        FdType.TIMERFD: LIBC.timerfd_create(1, 0),
        FdType.SIGNALFD: LIBC.signalfd(-1, ctypes.create_string_buffer(128), 0),
        FdType.PIDFD: os.pidfd_open(os.getpid()),
    }
    try:
        assert {kind: (look(num).type, look(num).name) for kind, num in made.items()} == {
            kind: (kind, b"") for kind in made
        }
    finally:
        for num in made.values():
            os.close(num)


def test_memfd() -> None:
    with closing(os.memfd_create("cache")) as num:
        assert (look(num).type, look(num).name) == (FdType.MEMFD, b"/memfd:cache (deleted)")


def test_namespace_file() -> None:
    with closing(os.open("/proc/self/ns/net", os.O_RDONLY)) as num:
        file, inode = look(num), os.fstat(num).st_ino
    assert (file.type, file.name, file.ino) == (FdType.FILE, f"net:[{inode}]".encode(), inode)


def test_tcp_listener() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        file, port = look(server.fileno()), server.getsockname()[1]
        inode = os.fstat(server.fileno()).st_ino
    assert (file.type, file.name, file.ino) == (FdType.IPV4_LISTENER, f"127.0.0.1:{port}".encode(), inode)
    assert (file.l4, file.role) == (L4.TCP, Role.SERVER)


def test_unix_pair_and_netlink() -> None:
    left, right = socket.socketpair()
    with left, right, socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as netlink:
        netlink.bind((0, 0))
        assert (look(left.fileno()).type, look(left.fileno()).role) == (FdType.UNIX, Role.CLIENT)
        assert look(netlink.fileno()).type == FdType.NETLINK


def test_a_socket_in_no_table_keeps_its_inode() -> None:
    with socket.socket() as unbound:
        file, inode = look(unbound.fileno()), os.fstat(unbound.fileno()).st_ino
    assert (file.type, file.ino, file.name) == (FdType.UNKNOWN, inode, f"socket:[{inode}]".encode())


@pytest.mark.parametrize(
    ("flags", "names"),
    [
        (os.O_RDONLY, ["O_RDONLY"]),
        (os.O_WRONLY, ["O_WRONLY"]),
        (os.O_RDWR, ["O_RDWR"]),
        (os.O_WRONLY | os.O_SYNC, ["O_WRONLY", "O_SYNC", "O_DSYNC"]),
        (os.O_WRONLY | os.O_DSYNC, ["O_WRONLY", "O_DSYNC"]),
        (os.O_RDONLY | 0o100000, ["O_RDONLY"]),
        (os.O_RDWR | os.O_TMPFILE, ["O_RDWR", "O_TMPFILE", "O_DIRECTORY"]),
        (
            os.O_RDWR | os.O_DIRECT | os.O_CREAT | os.O_EXCL | os.O_TRUNC,
            ["O_RDWR", "O_DIRECT", "O_CREAT", "O_EXCL", "O_TRUNC"],
        ),
    ],
)
def test_flags(flags: int, names: list[str]) -> None:
    assert ppm_flags(flags) == sum(FLAGS[name] for name in names)


@pytest.mark.parametrize(
    ("major", "minor", "encoded"), [(254, 0, 0xFE00), (8, 1, 0x801), (259, 300, 0x11032C), (0, 6, 6)]
)
def test_device_numbers_are_the_kernel_s(major: int, minor: int, encoded: int) -> None:
    assert encode_dev(os.makedev(major, minor)) == encoded


def test_record() -> None:
    file = OpenFile(7, 1 << 40, FdType.FILE_V2, 3, 0xFE00, b"/caf\xe9", b"", L4.NONE, Role.NONE)
    told = parse(fds.record(42, 99, file))
    assert (told.type, told.tid, told.pid, told.cgroup_id) == (State.FD, 42, 42, 99)
    values = [told[name] for name in ("fd", "ino", "type", "flags", "dev", "tuple", "l4proto", "role")]
    assert values == [7, 1 << 40, FdType.FILE_V2, 3, 0xFE00, b"", L4.NONE, Role.NONE]
    assert os.fsencode(told["name"]) == file.name


def test_a_process_that_ended_has_no_files() -> None:
    with subprocess.Popen(["sleep", "30"]) as child, directory(f"/proc/{child.pid}") as process_fd:
        child.kill()
        child.wait()
        assert list(fds.open_files(process_fd, NetworkNamespace())) == []
