"""Threads and open files that no event of the capture told are told by the kernel at their first use.

Every capture here leaves out the snapshot of /proc, so that what is known can only come from the probe.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from live_lines import capturing, waiting

PROGRAM = Path(sys.executable)

pytestmark = [pytest.mark.kernel, pytest.mark.usefixtures("probe")]

FIELDS = {
    "type": "evt.type",
    "num": "fd.num",
    "kind": "fd.typechar",
    "name": "fd.name",
    "proc": "proc.name",
    "l4": "fd.l4proto",
    "server": "fd.is_server",
}
FD = "*" + "|".join(f"%{field}" for field in FIELDS.values())


def parsed(capture):
    return [dict(zip(FIELDS, line.split("|"), strict=True)) for line in capture.lines]


def used(script, *args, line_format=FD, pick="", **options):
    """What the part of `script` behind its first `input()` does, with the capture begun in between."""
    with (
        waiting(script, *args) as process,
        capturing(line_format, f"proc.pid={process.pid}{pick}", **options) as capture,
    ):
        process.step()
        process.stdin.close()
        process.wait(30)
        process.capture = capture
        return process


def by_fd(process, number, kind="read"):
    found = [line for line in parsed(process.capture) if line["num"] == str(number) and line["type"] == kind]
    assert found, process.capture.lines
    return found[-1]


def test_files_opened_before(tmp_path):
    path = tmp_path / "old name"
    path.write_text("text")
    script = f"""
import os
f = os.open({str(path)!r}, 0); d = os.open({str(tmp_path)!r}, 0)
print(f); input()
os.read(f, 4); os.listdir(d); os.close(f); print()
"""
    process = used(script)
    (file,) = process.first.split()
    assert by_fd(process, file)["name"] == str(path)
    assert by_fd(process, file)["kind"] == "f"
    assert by_fd(process, file, "close")["name"] == str(path)
    listed = [line for line in parsed(process.capture) if line["type"] == "getdents64"]
    assert {(line["kind"], line["name"]) for line in listed} == {("d", str(tmp_path))}


def test_a_file_that_is_only_closed(tmp_path):
    process = used(f"import os; f = os.open({str(tmp_path)!r}, 0); print(f); input()\nos.close(f); print()")
    assert by_fd(process, process.first, "close")["name"] == str(tmp_path)


ANONYMOUS = """
import ctypes, os, select, signal
libc = ctypes.CDLL(None)
r, w = os.pipe()
fds = [r, libc.eventfd(1, 0), libc.epoll_create1(0), libc.timerfd_create(1, 0), libc.inotify_init(),
    libc.memfd_create(b"scratch", 0), libc.signalfd(-1, ctypes.create_string_buffer(128), 0),
    os.pidfd_open(os.getpid()), libc.socket(16, 3, 0), os.open("/proc/self/ns/net", 0)]
print(*fds); input()
for fd in fds: libc.fcntl(fd, 1)
print()
"""


def test_what_has_no_path():
    process = used(ANONYMOUS)
    kinds = [by_fd(process, fd, "fcntl")["kind"] for fd in process.first.split()]
    assert "".join(kinds) == "peltimsPnf"
    names = [by_fd(process, fd, "fcntl")["name"] for fd in process.first.split()]
    assert names[0].startswith("pipe:[")
    assert names[5] == "/memfd:scratch"
    assert names[9] == str(Path("/proc/self/ns/net").readlink()).replace("net", "nsfs")


TCP = """
import os, socket
l = socket.socket({family}); l.bind(("{address}", 0)); l.listen()
c = socket.socket({family}); c.connect(l.getsockname())
a, _ = l.accept()
{before}
print(l.fileno(), c.fileno(), a.fileno(), a.getsockname()[1], c.getsockname()[1]); input()
os.write(c.fileno(), b"ask"); os.read(a.fileno(), 9); os.write(a.fileno(), b"tell"); os.read(c.fileno(), 9)
try: l.settimeout(0); l.getsockopt(1, 3)
except OSError: pass
print()
"""


@pytest.mark.parametrize("before", ["", "l.close()"], ids=["listener open", "listener closed"])
@pytest.mark.parametrize(("family", "address"), [("socket.AF_INET", "127.0.0.1"), ("socket.AF_INET6", "::1")])
def test_both_ends_of_a_connection_with_their_roles(family, address, before):
    process = used(TCP.format(family=family, address=address, before=before))
    _, client, server, port, own = process.first.split()
    name = f"{address}:{own}->{address}:{port}"
    for fd, is_server in ((client, "false"), (server, "true")):
        for kind in ("read", "write"):
            line = by_fd(process, fd, kind)
            assert (line["name"], line["l4"], line["server"]) == (name, "tcp", is_server), line


def test_the_snapshot_does_not_swap_the_ends_of_a_connection_without_its_listener():
    process = used(TCP.format(family="socket.AF_INET", address="127.0.0.1", before="l.close()"), snapshot=True)
    _, client, server, port, own = process.first.split()
    for fd, is_server in ((client, "false"), (server, "true")):
        line = by_fd(process, fd)
        assert (line["name"], line["server"]) == (f"127.0.0.1:{own}->127.0.0.1:{port}", is_server)


def test_a_client_that_bound_its_port_is_the_client():
    script = """
import os, socket
l = socket.socket(); l.bind(("127.0.0.1", 0)); l.listen()
c = socket.socket(); c.bind(("127.0.0.2", 0)); port = c.getsockname()[1]; c.close()
c = socket.socket(); c.bind(("127.0.0.2", port)); c.connect(l.getsockname())
print(c.fileno(), port, l.getsockname()[1]); input()
os.write(c.fileno(), b"x"); print()
"""
    process = used(script)
    fd, own, port = process.first.split()
    line = by_fd(process, fd, "write")
    assert (line["name"], line["server"]) == (f"127.0.0.2:{own}->127.0.0.1:{port}", "false")


def test_a_listener_bound_to_a_port_of_the_kernels_choice_has_a_name():
    script = """
import socket
print(); input()
l = socket.socket(); l.bind(("127.0.0.1", 0)); l.listen(); u = socket.socket(2, 2); u.bind(("127.0.0.1", 0))
print(l.getsockname()[1], u.getsockname()[1])
"""
    with waiting(script) as process, capturing(FD, f"proc.pid={process.pid} and evt.type in (bind, listen)") as capture:
        ports = process.step().split()
    lines = parsed(capture)
    assert [line["name"] for line in lines] == [
        f"127.0.0.1:{ports[0]}",
        f"127.0.0.1:{ports[0]}",
        f"127.0.0.1:{ports[1]}",
    ]


def test_unix_sockets(tmp_path):
    script = f"""
import os, socket
path = {str(tmp_path / "s")!r}
l = socket.socket(1); l.bind(path); l.listen(); c = socket.socket(1); c.connect(path); a, _ = l.accept()
x, y = socket.socketpair()
print(c.fileno(), a.fileno(), x.fileno()); input()
os.write(c.fileno(), b"x"); os.read(a.fileno(), 9); os.write(x.fileno(), b"x"); print()
"""
    process = used(script)
    client, server, pair = process.first.split()
    asked, got = by_fd(process, client, "write"), by_fd(process, server)
    assert asked["name"] == got["name"]
    assert asked["name"].endswith(f" {tmp_path}/s")
    assert (asked["server"], got["server"]) == ("false", "true")
    assert "->" in by_fd(process, pair, "write")["name"]


def test_inherited_over_fork_and_exec(tmp_path):
    path = tmp_path / "inherited"
    path.write_text("text")
    script = f"""
import os
f = os.open({str(path)!r}, 0); os.dup2(f, 9); os.close(f); os.set_inheritable(9, True)
print(9); input()
if os.fork() == 0:
    os.execv("/bin/sh", ["sh", "-c", "read line <&9; exec cat <&9"])
os.wait(); print()
"""
    with (
        waiting(script) as process,
        capturing(FD, f"proc.ppid={process.pid} and evt.type in (read, fcntl, dup2)") as capture,
    ):
        process.step()
    lines = parsed(capture)
    assert [line for line in lines if line["proc"] == "sh" and line["type"] == "dup2" and line["name"] == str(path)]
    assert [line for line in lines if line["proc"] == "cat" and line["num"] == "0" and line["name"] == str(path)]


def test_passed_by_scm_rights(tmp_path):
    """The receiver's number was another file's before, told and closed."""
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("1")
    two.write_text("2")
    script = f"""
import os, socket
x, y = socket.socketpair()
if os.fork() == 0:
    for path in ({str(one)!r}, {str(two)!r}):
        f = os.open(path, 0); x.recv(1); socket.send_fds(x, [b"f"], [f]); os.close(f)
    os._exit(0)
print(); input()
for _ in range(2):
    y.send(b"g"); _, fds, _, _ = socket.recv_fds(y, 1, 1); os.read(fds[0], 1); os.close(fds[0])
print(fds[0])
"""
    with waiting(script) as process, capturing(FD, f"proc.pid={process.pid}") as capture:
        number = process.step().strip()
    got = [(line["type"], line["name"]) for line in parsed(capture) if line["num"] == number]
    assert got == [("read", str(one)), ("close", str(one)), ("read", str(two)), ("close", str(two))]


def test_taken_with_pidfd_getfd(tmp_path):
    path = tmp_path / "taken"
    path.write_text("text")
    script = f"""
import ctypes, os
f = os.open({str(path)!r}, 0)
r, w = os.pipe()
owner = os.fork()
if owner == 0:
    os.read(r, 1); os._exit(0)
os.close(f); pidfd = os.pidfd_open(owner)
print(); input()
got = ctypes.CDLL(None).syscall(438, pidfd, f, 0); os.read(got, 4); os.write(w, b"x"); os.wait(); print(got)
"""
    with waiting(script) as process, capturing(FD, f"proc.pid={process.pid} and evt.type=read") as capture:
        number = process.step().strip()
    assert [line["name"] for line in parsed(capture) if line["num"] == number] == [str(path)]


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the 32-bit call gate of x86")
def test_duplicated_by_a_call_that_is_not_followed(tmp_path):
    """A dup() through the 32-bit gate is reported by its number alone."""
    path = tmp_path / "dup"
    path.write_text("text")
    script = f"""
import ctypes, mmap, os
f = os.open({str(path)!r}, 0)
code = mmap.mmap(-1, 4096, prot=7)
# push rbx; mov eax, 41; mov ebx, edi; int 0x80; pop rbx; ret
code.write(bytes.fromhex("53b82900000089fbcd805bc3"))
dup = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
print(f); input()
got = dup(f); os.read(got, 4); print(got)
"""
    with waiting(script) as process, capturing(FD, f"proc.pid={process.pid}") as capture:
        number = process.step().strip()
    if int(number) < 0:
        pytest.skip("this kernel has no 32-bit calls")
    assert [line["name"] for line in parsed(capture) if line["num"] == number and line["type"] == "read"] == [str(path)]


def test_threads_and_processes_that_were_there_before(tmp_path):
    script = """
import os, sys, threading
go = threading.Event()
def work():
    go.wait(); os.getppid()
t = threading.Thread(target=work); t.start()
print(); input()
go.set(); t.join(); print()
"""
    fields = "thread.tid proc.pid proc.name proc.exepath proc.cmdline proc.pname proc.ppid proc.cwd user.uid proc.vpid"
    line_format = "|".join(f"%{field}" for field in (*fields.split(), "proc.sid"))
    with (
        waiting(script, "an argument", cwd=tmp_path) as process,
        capturing(line_format, f"proc.pid={process.pid} and evt.type=getppid") as capture,
    ):
        process.step()
    (line,) = capture.lines
    tid, pid, name, exepath, cmdline, parent, ppid, cwd, uid, vpid, sid = line.split("|")
    assert int(tid) != int(pid) == process.pid
    assert exepath == str(PROGRAM.resolve())
    assert name == PROGRAM.name
    assert cmdline.startswith(f"{name} -I -S -u -c") and cmdline.endswith("an argument")
    assert (parent, int(ppid)) == (Path("/proc/self/comm").read_text().strip(), os.getpid())
    assert (cwd, int(uid), int(vpid), int(sid)) == (f"{tmp_path}/", os.getuid(), process.pid, os.getsid(0))


def test_a_thread_whose_only_event_is_its_end():
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", "import os; print(flush=True)\nwhile not os.environ.get('x'): pass"],
        stdout=subprocess.PIPE,
    ) as process:
        process.stdout.readline()
        with capturing("%proc.name|%proc.cmdline", f"proc.pid={process.pid} and evt.type=procexit") as capture:
            process.kill()
            process.wait()
    assert capture.lines


def test_a_thread_that_exits_without_another_call(tmp_path):
    """It waits for a byte of a shared page, and its one call since the start of the capture is its exit."""
    shared = tmp_path / "shared"
    shared.write_bytes(b"\0")
    script = """
import ctypes, mmap, os, sys
page = mmap.mmap(os.open(sys.argv[1], os.O_RDWR), 1)
leave = ctypes.CDLL(None)._exit
print(flush=True)
while page[0] == 0: pass
leave(3)
"""
    with waiting(script, str(shared)) as process:
        time.sleep(0.2)
        with capturing("%evt.type|%proc.name|%proc.exepath", f"proc.pid={process.pid}") as capture:
            with shared.open("r+b") as file:
                file.write(b"\1")
            process.wait(30)
    assert f"procexit|{PROGRAM.name}|{PROGRAM.resolve()}" in capture.lines


def test_all_is_told_again_after_a_loss(tmp_path):
    """Many opens are lost in a small ring; the later uses of their fds tell them."""
    path = tmp_path / "lost"
    path.write_text("text" * 20)
    opens, start = 60, 100
    script = f"""
import os, time
print(); input()
for number in range({start}, {start + opens}):
    for _ in range(100): os.getppid()
    os.dup2(os.open({str(path)!r}, 0), number)
print(); input(); time.sleep(0.5)
for number in range({start}, {start + opens}):
    os.read(number, 1); time.sleep(0.02)
print()
"""
    with waiting(script) as process, capturing(FD, f"proc.pid={process.pid}", ring_bytes=65536) as capture:
        with capture.not_reading():
            process.step()
        process.step()
    lines = [line for line in parsed(capture) if line["num"] in map(str, range(start, start + opens))]
    assert sum(line["type"] == "dup2" for line in lines) < opens, "nothing was lost"
    assert sum(line["type"] == "read" for line in lines) > opens // 2
    assert {line["name"] for line in lines if line["type"] == "read"} == {str(path)}


def test_a_duplicate_made_by_fcntl_is_told_by_the_call_itself(tracer, tmp_path):
    script = f"""
import fcntl, os
f = os.open({str(tmp_path)!r}, 0)
for command in (fcntl.F_DUPFD, fcntl.F_DUPFD_CLOEXEC):
    d = fcntl.fcntl(f, command, 50); os.fstat(d); os.fchdir(d); os.close(d)
    print(d)
"""
    run = tracer.run(script)
    duplicates = set(map(int, run.out.split()))
    assert duplicates == {50}
    told = {record["fd"] for record in run.all if record.id == "STATE_FD" and record.pid == run.pid}
    assert not told & duplicates
