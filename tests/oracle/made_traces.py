"""What the hand-made traces tell: one story, written in every layout.

A shell reads a file, talks to a server, starts programs in the words of every age, and ends.
"""

from __future__ import annotations

import atexit
import functools
import json
import shutil
import struct
import tempfile
from pathlib import Path

from tests.oracle.make_scap import (
    FIFO,
    STATE_ONLY,
    EventWriter,
    Layout,
    Machine,
    Process,
    file_fd,
    ipv4_fd,
    scap,
    server_fd,
    unix_fd,
)
from tests.synthetic import tuple4

OLD = tuple(Layout(processes=version, fds=1, interfaces=1, users=1, events=1) for version in range(1, 9))
NEW = (Layout(), Layout(compressed=True), Layout(processes=8, fds=1, events=1, compressed=True))
MIXED = (Layout(processes=8), Layout(events=1), Layout(fds=1), Layout(interfaces=1), Layout(users=1))
LAYOUTS = (*OLD, *NEW, *MIXED)

SHELL, CHILD, THREAD, SERVER, INSIDE = 100, 200, 101, 50, 300
CLONE_FILES, CLONE_THREAD = 1, 0x2000
CONTAINER = "c0ffee00001" + "5" * 53
CGROUPS = b"cpu=/\0memory=/\0"
ARGV, ENV = b"-l\0/tmp\0", b"PATH=/bin\0TERM=dumb\0"


def machine(layout: Layout) -> Machine:
    """Return an init, a shell with a thread and all kinds of fds, a server, and a process in a container."""
    me, peer = b"\x0a\0\0\5", b"\x0a\0\0\x09"
    fds = (
        (0, *file_fd(layout, "/dev/pts/0", 3)),
        (1, *file_fd(layout, "/dev/pts/0", 3)),
        (5, *ipv4_fd(me, 40000, peer, 443)),
        (6, *unix_fd("/run/bus")),
        (7, FIFO, struct.pack("<H", 9) + b"pipe:[77]"),
    )
    return Machine(
        (
            Process(1, 1, "init", ptid=0),
            Process(SHELL, SHELL, "bash", args=("-i", "--login"), uid=1000, fds=fds),
            Process(THREAD, SHELL, "worker", ptid=1, uid=1000, flags=CLONE_FILES | CLONE_THREAD),
            Process(SERVER, SERVER, "sshd", args=("-D",), fds=((3, *server_fd(b"\0\0\0\0", 22)),)),
            Process(INSIDE, INSIDE, "nginx", cgroups=(f"cpu=/docker/{CONTAINER}", f"memory=/docker/{CONTAINER}")),
        )
    )


def _containers(w: EventWriter) -> None:
    facts = {"id": CONTAINER[:12], "type": 0, "name": "web", "image": "nginx:1", "ip": "172.17.0.2"}
    w.add("CONTAINER_JSON_E", 0, json.dumps({"container": facts}))
    if w.version == 2:
        facts |= {"labels": {"long": "x" * 70000}, "imageid": "5" * 64}
        w.add("CONTAINER_JSON_2_E", 0, json.dumps({"container": facts}), large=True)
    w.add("SYSCALL_READ_E", INSIDE, 0, 1)
    w.add("SYSCALL_READ_X", INSIDE, -5, b"")


def _files(w: EventWriter) -> None:
    w.add("SYSCALL_OPEN_E", SHELL)
    w.add("SYSCALL_OPEN_X", SHELL, 3, "/etc/passwd", 1, 0)
    w.add("SYSCALL_READ_E", SHELL, 3, 4096)
    w.add("SYSCALL_READ_X", SHELL, 11, b"root:x:0:0:\n")
    w.add("SYSCALL_WRITE_E", THREAD, 1, 200, cpu=2)
    w.add("SYSCALL_WRITE_X", THREAD, 200, bytes(range(32, 127)) + b"\t\r\n\0\xff" + b"z" * 100, cpu=2)
    w.add("SYSCALL_DUP_E", SHELL, 3)
    w.add("SYSCALL_DUP_X", SHELL, 4)
    w.add("SYSCALL_CLOSE_E", SHELL, 3)
    w.add("SYSCALL_CLOSE_X", SHELL, 0)
    w.add("SYSCALL_READ_E", SHELL, 4, 10)
    w.add("SYSCALL_READ_X", SHELL, -11, b"")
    w.add("SYSCALL_OPEN_E", SHELL)
    w.add("SYSCALL_OPEN_X", SHELL, -2, "nothing", 4097, 0o644)
    w.add("SYSCALL_PIPE_E", SHELL)
    w.add("SYSCALL_PIPE_X", SHELL, 0, 8, 9, 4242)
    w.add("SYSCALL_POLL_E", SHELL, struct.pack("<Hqhqh", 2, 4, 1, 5, 4), 1000)
    w.add("SYSCALL_POLL_X", SHELL, 1, struct.pack("<Hqh", 1, 5, 4))


def _network(w: EventWriter) -> None:
    w.add("SYSCALL_WRITE_E", SHELL, 5, 5)
    w.add("SYSCALL_WRITE_X", SHELL, 5, b"hello")
    w.add("SOCKET_SOCKET_E", SHELL, 2, 1, 0)
    w.add("SOCKET_SOCKET_X", SHELL, 10)
    w.add("SOCKET_CONNECT_E", SHELL, 10)
    w.add("SOCKET_CONNECT_X", SHELL, 0, tuple4("10.0.0.5", 41000, "10.0.0.9", 80))
    w.add("SOCKET_SENDTO_E", SHELL, 10, 4, b"")
    w.add("SOCKET_SENDTO_X", SHELL, 4, b"GET ")
    w.add("SOCKET_ACCEPT_E", SERVER, cpu=1)
    w.add("SOCKET_ACCEPT_X", SERVER, 4, tuple4("10.0.0.7", 50000, "10.0.0.5", 22), 0, cpu=1)
    w.add("SYSCALL_READ_E", SERVER, 4, 64, cpu=1)
    w.add("SYSCALL_READ_X", SERVER, 3, b"SSH", cpu=1)


def _execve(w: EventWriter, version: str, *tail: object) -> None:
    # since version 18 the enter event tells the file
    w.add(f"SYSCALL_EXECVE_{version}_E", CHILD, *((f"bin/prog{version}",) if int(version) > 17 else ()))
    facts = (0, f"/bin/prog{version}", ARGV, CHILD, CHILD, SHELL, "/tmp", 1024)
    w.add(f"SYSCALL_EXECVE_{version}_X", CHILD, *facts, *tail)


def _programs(w: EventWriter) -> None:
    memory = (1, 2, 4000, 300, 0)
    common = (CHILD, "bash", b"-i\0", SHELL, SHELL, 1, "/root", 1024, *memory, "bash", CGROUPS, 0)
    w.add("SYSCALL_CLONE_20_E", SHELL)
    w.add("SYSCALL_CLONE_20_X", SHELL, *common, 1000, 1000, SHELL, SHELL)
    child = (0, "bash", b"-i\0", CHILD, CHILD, SHELL, "/root", 1024, *memory, "bash", CGROUPS, 0)
    w.add("SYSCALL_CLONE_20_X", CHILD, *child, 1000, 1000, CHILD, CHILD)
    _execve(w, "8")
    _execve(w, "13", *memory)
    _execve(w, "14", *memory, ENV)
    _execve(w, "15", *memory, "prog15", ENV)
    _execve(w, "16", *memory, "prog16", CGROUPS, ENV)
    _execve(w, "17", *memory, "prog17", CGROUPS, ENV, 34816)
    _execve(w, "18", *memory, "prog18", CGROUPS, ENV, 34816)
    _execve(w, "19", *memory, "prog19", CGROUPS, ENV, 34816, CHILD, 1000, 1)
    w.add("GENERIC_E", CHILD, 144, 203)
    w.add("GENERIC_X", CHILD, 144)
    w.add("SIGNALDELIVER_E", CHILD, SHELL, CHILD, 15)


def _end(w: EventWriter) -> None:
    w.add("SCHEDSWITCH_6_E", SHELL, CHILD, 0, 1, 5000, 900, 0, cpu=3)
    w.add("PROCINFO_E", SHELL, 30, 40)
    w.raw(400, SHELL, [b"unknown"])
    w.add("SYSCALL_OPEN_E", SHELL, flags=STATE_ONLY)
    w.add("SYSCALL_OPEN_X", SHELL, 11, "/hidden", 1, 0, flags=STATE_ONLY)
    w.add("SYSCALL_READ_E", SHELL, 11, 1, flags=0)
    w.add("SYSCALL_READ_X", SHELL, 1, b"h", flags=0)
    if w.version == 2:
        # the only event that sysdig knows large
        facts = {"id": "0" * 12, "type": 0, "name": "late", "labels": {"long": "y" * 66000}}
        w.add("CONTAINER_JSON_2_E", 0, json.dumps({"container": facts}), flags=0, large=True)
    w.add("NOTIFICATION_E", SHELL, "1", "something happened")
    w.add("PROCEXIT_1_E", CHILD, 0)
    w.add("SYSCALL_CLOSE_E", SHELL, 10)
    w.add("SYSCALL_CLOSE_X", SHELL, 0)


def write(folder: Path, layout: Layout) -> Path:
    """Write the story in a layout and return the file."""
    events = EventWriter(layout.events)
    for part in (_containers, _files, _network, _programs, _end):
        part(events)
    path = folder / f"{layout}.scap"
    path.write_bytes(scap(layout, machine(layout), events))
    return path


# who writes it and what; None: a call in between
_ANNOUNCED = (
    (SHELL, ">:1:a.b:x=1,y=2:"), (SHELL, None), (THREAD, None), (SERVER, None), (SHELL, ">:2:a.c:n=v:\n"),
    (SHELL, None),
    (SHELL, "<:1:a.b:z=3:"), (SERVER, ">:t:own::"), (SERVER, ">:p:own::"), (SERVER, None), (SERVER, "<:t:own::"),
    (SHELL, "<:2:a.c::"), (SHELL, '[">", 9, ["j"], [{"k":"v"},{"l":"w"}]]'), (SHELL, '["<", 9, ["j"], []]'),
    (SHELL, ">:pp:parent::"), (SHELL, ">::none::"), (SHELL, ">:-5:neg::"), (SHELL, ">:7:::"),
    (SHELL, ">:7:a b..c::rest"),
    (SHELL, r">:8:e\.f:a\,b=c\=d,e=:"), (SHELL, "<:999:never::"), (SHELL, "<:1:a.b::"), (SHELL, ">:1:a.b::"),
    (SHELL, ">:1:a.b::"), (SHELL, "<:1:a.b::"), (SHELL, "<:1:a.b::"),
)  # fmt: skip


def _tracers(w: EventWriter) -> None:
    for tid in (SHELL, SERVER):
        w.add("SYSCALL_OPEN_E", tid)
        w.add("SYSCALL_OPEN_X", tid, 30, "/dev/null", 2, 0)
    for tid, text in _ANNOUNCED:
        if text is None:
            w.add("GENERIC_E", tid, 144, 203)
            w.add("GENERIC_X", tid, 144)
        else:
            w.add("SYSCALL_WRITE_E", tid, 30, len(text))
            w.add("SYSCALL_WRITE_X", tid, len(text), text.encode())


@functools.cache
def tracers() -> Path:
    """Return a story of programs that announce spans."""
    events, layout = EventWriter(), Layout()
    _tracers(events)
    path = files()[0].with_name("tracers.scap")
    path.write_bytes(scap(layout, machine(layout), events))
    return path


@functools.cache
def files() -> tuple[Path, ...]:
    """Return the story in every layout, written once into a folder that goes when the tests end."""
    folder = Path(tempfile.mkdtemp(prefix="made-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return tuple(write(folder, layout) for layout in LAYOUTS)
