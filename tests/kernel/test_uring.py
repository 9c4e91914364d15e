"""What goes through an io_uring: told as the system calls it stands for, marked, and attributed to who asked for it."""

import struct
import subprocess
import sys
from pathlib import Path

import pytest

from sysdig_py.capture import features, headers
from sysdig_py.capture.kernel_types import Types
from sysdig_py.schema.record import Flag
from tests.bench.tool import capture

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(
        not headers.BTF.exists() or not features.ring_tracepoints(Types(headers.dump_btf())),
        reason="the kernel's io_uring tracepoints do not name requests (6.0 or later)",
    ),
]
HEAD = f"""
import socket, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from ring import *
ring = Ring()
"""
LOOPBACK = bytes([127, 0, 0, 1])
CREATE = "op_flags=os.O_RDWR | os.O_CREAT, length=0o640"


def run(tracer, script, *args):
    made = tracer.run(HEAD + script, *args)
    made.own = [record for record in made.own if record.flags & Flag.IO_URING]
    return made


def tuple4(source, destination):
    return b"\2" + LOOPBACK + struct.pack("<H", source) + LOOPBACK + struct.pack("<H", destination)


def test_files_are_told_as_the_calls_that_do_the_same(tracer, tmp_path):
    script = f"""
fd = ring.one(OPENAT, fd=AT_FDCWD, addr=text(sys.argv[1]), {CREATE})
ring.one(WRITE, fd=fd, addr=text("hello"), length=5, off=0)
back = ctypes.create_string_buffer(100)
ring.one(READ, fd=fd, addr=back, length=100, off=1)
ring.one(READ, fd=fd, addr=back, length=3, off=-1)
ring.one(FSYNC, fd=fd)
ring.one(CLOSE, fd=fd)
ring.one(READ, fd=fd, addr=back, length=7)
print(fd)
"""
    found = run(tracer, script, str(tmp_path / "f"))
    fd = int(found.out)
    opened = found.one("SYSCALL_OPENAT_2_X")
    assert (opened["fd"], opened["dirfd"], opened["name"], opened["mode"]) == (fd, -100, str(tmp_path / "f"), 0o640)
    assert opened["ino"] == (tmp_path / "f").stat().st_ino
    assert found.one("SYSCALL_PWRITE_X").params == {"res": 5, "data": b"hello", "fd": fd, "size": 5, "pos": 0}
    assert found.one("SYSCALL_PREAD_X", res=4).params == {"res": 4, "data": b"ello", "fd": fd, "size": 100, "pos": 1}
    assert found.one("SYSCALL_READ_X").params == {"res": 3, "data": b"hel", "fd": fd, "size": 3}
    assert found.one("GENERIC_X")["nativeID"] in (74, 82)
    assert found.one("SYSCALL_CLOSE_X").params == {"res": 0, "fd": fd}
    assert found.one("SYSCALL_PREAD_X", res=-9)["size"] == 7
    assert all(record.tid == found.pid and record.cgroup and 0 < record.latency < 1e9 for record in found.own)


def test_what_fails_has_its_error_and_its_name(tracer):
    script = """
ring.one(OPENAT, fd=AT_FDCWD, addr=text("/no/such"))
ring.one(OPENAT, fd=AT_FDCWD, addr=8)
"""
    found = run(tracer, script)
    assert found.one("SYSCALL_OPENAT_2_X", fd=-2)["name"] == "/no/such"
    assert found.one("SYSCALL_OPENAT_2_X", fd=-14)["name"] is None


def test_names_are_those_of_the_submission_although_the_program_used_the_memory_again(tracer, tmp_path):
    script = f"""
name = ctypes.create_string_buffer(os.fsencode(sys.argv[1]), 200)
how = ctypes.create_string_buffer(struct.pack("QQQ", os.O_CREAT | os.O_RDWR, 0o604, 0x8))
ring.put(OPENAT, fd=AT_FDCWD, addr=name, flags=ASYNC, {CREATE})
ring.submit()
name.value = b"scribble"
ring.run(1)
name.value = os.fsencode(sys.argv[1] + "2")
ring.put(OPENAT2, fd=AT_FDCWD, addr=name, off=how, length=24, flags=ASYNC)
ring.submit()
name.value = b"scribble"
how[:] = b"x" * len(how)
ring.run(1)
pair = [text(sys.argv[1]), text(sys.argv[1] + "3")]
ring.put(RENAMEAT, fd=AT_FDCWD, addr=pair[0], length=AT_FDCWD, off=pair[1], flags=ASYNC)
ring.submit()
pair[0].value = pair[1].value = b"-"
ring.run(1)
"""
    path = str(tmp_path / "f")
    found = run(tracer, script, path)
    assert found.one("SYSCALL_OPENAT_2_X")["name"] == path
    event = found.one("SYSCALL_OPENAT2_X")
    assert (event["name"], event["mode"], event["resolve"]) == (path + "2", 0o604, 1)
    event = found.one("SYSCALL_RENAMEAT2_X")
    assert (event["oldpath"], event["newpath"]) == (path, path + "3")
    assert all(record.tid == found.pid for record in found.own), "told as the worker's"


def test_names_and_directories(tracer, tmp_path):
    script = """
os.chdir(sys.argv[1])
ring.one(MKDIRAT, fd=AT_FDCWD, addr=text("d"), length=0o750)
ring.one(SYMLINKAT, fd=AT_FDCWD, addr=text("d"), off=text("s"))
os.close(os.open("f", os.O_CREAT))
ring.one(LINKAT, fd=AT_FDCWD, addr=text("f"), length=AT_FDCWD, off=text("g"))
ring.one(UNLINKAT, fd=AT_FDCWD, addr=text("d"), op_flags=0x200)
"""
    found = run(tracer, script, str(tmp_path))
    assert found.one("SYSCALL_MKDIRAT_X").params == {"res": 0, "dirfd": -100, "path": "d", "mode": 0o750}
    assert found.one("SYSCALL_SYMLINKAT_X").params == {"res": 0, "target": "d", "linkdirfd": -100, "linkpath": "s"}
    assert found.one("SYSCALL_LINKAT_2_X")["newpath"] == "g"
    assert found.one("SYSCALL_UNLINKAT_2_X").params == {"res": 0, "dirfd": -100, "name": "d", "flags": 0x200}


CONNECTION = """
listener = socket.socket(); listener.bind(("127.0.0.1", 0)); listener.listen()
port = listener.getsockname()[1]
client = ring.one(SOCKET, fd=socket.AF_INET, off=socket.SOCK_STREAM)
target = ctypes.create_string_buffer(struct.pack("<H", 2) + struct.pack("!H4s8x", port, bytes([127, 0, 0, 1])))
ring.put(CONNECT, fd=client, addr=target, off=16)
ring.submit()
target[:] = b"x" * len(target)
ring.run(1)
server = ring.one(ACCEPT, fd=listener.fileno(), op_flags=os.O_CLOEXEC)
print(port, socket.socket(fileno=os.dup(client)).getsockname()[1], client, server)
"""


def test_a_connection_from_both_ends(tracer):
    script = """
ring.one(SEND, fd=client, addr=text("question"), length=8)
back = ctypes.create_string_buffer(64)
ring.one(RECV, fd=server, addr=back, length=64)
ring.one(SHUTDOWN, fd=client, length=1)
"""
    found = run(tracer, CONNECTION + script)
    port, own, client, server = map(int, found.out.split())
    there = tuple4(own, port)
    assert found.one("SOCKET_SOCKET_X")["fd"] == client
    event = found.one("SOCKET_CONNECT_X")
    assert (event["res"], event["tuple"], event["fd"]) == (0, there, client)
    assert event["addr"] == b"\2" + LOOPBACK + struct.pack("<H", port)
    event = found.one("SOCKET_ACCEPT4_6_X")
    assert (event["fd"], event["tuple"], event["flags"]) == (server, there, 0x1000)
    sent = {"res": 8, "data": b"question", "fd": client, "size": 8, "tuple": there}
    assert found.one("SOCKET_SENDTO_X").params == sent
    assert found.one("SOCKET_RECVFROM_X").params == sent | {"fd": server, "size": 64}
    assert found.one("SOCKET_SHUTDOWN_X")["res"] == 0


def test_messages_are_those_of_the_submission(tracer):
    script = """
parts = [text("ans"), text("wer")]
vector = (ctypes.c_uint64 * 4)(address(parts[0]), 3, address(parts[1]), 3)
message = (ctypes.c_uint64 * 7)(0, 0, address(vector), 2, 0, 0, 0)
ring.put(SENDMSG, fd=server, addr=message, length=1, keep=(parts, vector))
ring.submit()
ctypes.memset(vector, 1, 32); ctypes.memset(message, 1, 56)
ring.run(1)
back = ctypes.create_string_buffer(64)
vector = (ctypes.c_uint64 * 2)(address(back), 64)
message = (ctypes.c_uint64 * 7)(0, 0, address(vector), 1, 0, 0, 0)
ring.one(RECVMSG, fd=client, addr=message, length=1)
"""
    found = run(tracer, CONNECTION + script)
    port, own, client, server = map(int, found.out.split())
    sent = {"res": 6, "data": b"answer", "fd": server, "size": 6, "tuple": tuple4(port, own)}
    assert found.one("SOCKET_SENDMSG_X").params == sent
    event = found.one("SOCKET_RECVMSG_X")
    assert (event["res"], event["data"], event["tuple"], event["fd"]) == (6, b"answer", sent["tuple"], client)


def test_a_receive_that_waits_is_told_when_it_ends_with_its_data(tracer):
    script = """
import socket, time
one, two = socket.socketpair()
back = ctypes.create_string_buffer(64)
ring.put(RECV, fd=one.fileno(), addr=back, length=64)
ring.submit()
time.sleep(0.05)
two.send(b"late")
ring.run(1)
"""
    event = run(tracer, script).one("SOCKET_RECVFROM_X")
    assert event["data"] == b"late"
    assert 50e6 < event.latency < 1e9


def test_vectors_and_registered_buffers(tracer, tmp_path):
    script = f"""
fd = ring.one(OPENAT, fd=AT_FDCWD, addr=text(sys.argv[1]), {CREATE})
parts = [text("one"), text("two")]
vector = (ctypes.c_uint64 * 4)(address(parts[0]), 3, address(parts[1]), 3)
ring.one(WRITEV, fd=fd, addr=vector, length=2, off=0, keep=parts)
back = ctypes.create_string_buffer(4096)
vector = (ctypes.c_uint64 * 4)(address(back), 2, address(back) + 100, 10)
ring.one(READV, fd=fd, addr=vector, length=2, off=1)
buffers = (ctypes.c_uint64 * 2)(address(back), 4096)
ring.register(REGISTER_BUFFERS, buffers, 1)
back[:3] = b"six"
ring.one(WRITE_FIXED, fd=fd, addr=back, length=3, off=6, buffer=0)
ring.one(READ_FIXED, fd=fd, addr=address(back) + 50, length=9, off=0, buffer=0, keep=back)
"""
    found = run(tracer, script, str(tmp_path / "f"))
    assert found.one("SYSCALL_PWRITEV_X")["data"] == b"onetwo"
    assert found.one("SYSCALL_PREADV_X")["data"] == b"netwo"
    assert found.one("SYSCALL_PWRITE_X")["data"] == b"six"
    assert found.one("SYSCALL_PREAD_X")["data"] == b"onetwosix"


def test_slots_of_the_rings_own_table_have_no_fd_but_their_sockets_and_data_are_told(tracer, tmp_path):
    script = f"""
one, two = socket.socketpair()
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); udp.bind(("127.0.0.1", 0)); udp.connect(udp.getsockname())
ring.register(REGISTER_FILES, (ctypes.c_int32 * 4)(udp.fileno(), -1, -1, -1), 4)
ring.one(SEND, fd=0, addr=text("fixed"), length=5, flags=FIXED_FILE)
ring.one(OPENAT, fd=AT_FDCWD, addr=text(sys.argv[1]), index=2, {CREATE})
ring.one(WRITE, fd=1, addr=text("in a slot"), length=9, flags=FIXED_FILE)
ring.one(CLOSE, fd=0, index=2)
print(udp.getsockname()[1])
"""
    found = run(tracer, script, str(tmp_path / "f"))
    port = int(found.out)
    event = found.one("SOCKET_SENDTO_X")
    assert (event["fd"], event["data"], event["tuple"]) == (-1, b"fixed", tuple4(port, port))
    event = found.one("SYSCALL_OPENAT_2_X")
    assert (event["fd"], event["name"]) == (None, str(tmp_path / "f"))
    assert found.one("SYSCALL_PWRITE_X")["fd"] == -1
    assert found.one("SYSCALL_CLOSE_X").params == {"res": 0, "fd": -1}


def test_many_completions_of_one_request_are_records_of_their_own(tracer):
    script = """
listener = socket.socket(); listener.bind(("127.0.0.1", 0)); listener.listen()
ring.put(ACCEPT, fd=listener.fileno(), priority=1, data=7)
ring.submit()
clients = [socket.create_connection(listener.getsockname()) for _ in range(3)]
done = ring.run(3)
pool = ctypes.create_string_buffer(4 * 64)
ring.put(PROVIDE, fd=4, addr=pool, length=64, buffer=1, data=8)
ring.run(1)
server = done[0][1]
ring.put(RECV, fd=server, priority=2, flags=BUFFER_SELECT, buffer=1, data=9)
ring.submit()
clients[0].send(b"first"); done += ring.run(1)
clients[0].send(b"second"); done += ring.run(1)
print(*(result for _, result, _ in done))
"""
    found = run(tracer, script)
    results = list(map(int, found.out.split()))
    accepted = [event for event in found.of("SOCKET_ACCEPT4_6_X") if event["fd"] >= 0]
    assert [event["fd"] for event in accepted] == results[:3]
    assert all(event["tuple"] for event in accepted)
    received = [event["data"] for event in found.of("SOCKET_RECVFROM_X") if event["res"] > 0]
    assert received == [b"first", b"second"]


def test_a_success_that_is_not_to_be_told_the_program_is_told_at_its_submission(tracer, tmp_path):
    script = f"""
fd = ring.one(OPENAT, fd=AT_FDCWD, addr=text(sys.argv[1]), {CREATE})
ring.put(WRITE, fd=fd, addr=text("quiet"), length=5, flags=SILENT)
ring.submit()
ring.put(WRITE, fd=99, addr=text("fails"), length=5, flags=SILENT)
ring.run(1)
"""
    found = run(tracer, script, str(tmp_path / "f"))
    assert (tmp_path / "f").read_bytes() == b"quiet"
    assert [(e["res"], e["data"]) for e in found.of("SYSCALL_PWRITE_X")] == [
        (-115, b"quiet"), (-115, b"fails"), (-9, b"fails")
    ]  # fmt: skip


@pytest.mark.parametrize("flags", ["SQPOLL", "SINGLE_ISSUER | DEFER"])
def test_a_request_is_its_submitters_and_the_main_threads_when_a_kernel_thread_takes_it(tracer, tmp_path, flags):
    script = f"""
import threading
def work():
    ring = Ring(8, {flags})
    fd = ring.one(OPENAT, fd=AT_FDCWD, addr=text(sys.argv[1]), {CREATE})
    ring.one(WRITE, fd=fd, addr=text("mine"), length=4)
    print(threading.get_native_id())
thread = threading.Thread(target=work); thread.start(); thread.join()
"""
    found = run(tracer, script, str(tmp_path / "f"))
    assert {record.tid for record in found.own} == {found.pid if flags == "SQPOLL" else int(found.out)}
    assert found.one("SYSCALL_OPENAT_2_X")["name"] == str(tmp_path / "f")
    assert found.one("SYSCALL_PWRITE_X")["data"] == b"mine"


def test_a_ring_completed_by_another_process_tells_no_data_of_that_one(tracer):
    script = """
import time
one, two = os.pipe()
back = ctypes.create_string_buffer(64)
back.value = b"the child's own"
if not os.fork():
    ring.put(READ, fd=one, addr=back, length=64)
    ring.submit()
    time.sleep(0.2)
    os._exit(0)
time.sleep(0.05)
os.write(two, b"data")
ring.run(1)
os.wait()
"""
    found = tracer.run(HEAD + script)
    event = next(r for r in found.all if r.flags & Flag.IO_URING and r.id == "SYSCALL_READ_X")
    assert event.pid != found.pid
    assert event["data"] in (b"", b"data")


def test_pipes_are_read_without_a_position_and_pipes_can_be_made(tracer):
    script = """
one, two = os.pipe()
ring.one(WRITE, fd=two, addr=text("pipe"), length=4, off=0)
back = ctypes.create_string_buffer(64)
ring.one(READ, fd=one, addr=back, length=64, off=0)
pair = (ctypes.c_int32 * 2)()
print(ring.one(PIPE, addr=pair, op_flags=os.O_CLOEXEC), *pair)
"""
    found = run(tracer, script)
    assert found.one("SYSCALL_WRITE_X")["data"] == b"pipe"
    assert found.one("SYSCALL_READ_X")["data"] == b"pipe"
    result, first, second = map(int, found.out.split())
    if result == 0:
        event = found.one("SYSCALL_PIPE2_X")
        assert (event["fd1"], event["fd2"], event["flags"]) == (first, second, 0x1000)


def test_what_was_opened_through_a_ring_is_in_the_fd_table_of_a_live_run(tmp_path):
    script = f"""{HEAD}
fd = ring.one(OPENAT, fd=AT_FDCWD, addr=text(sys.argv[1]), {CREATE})
os.write(fd, b"by a system call")
ring.one(WRITE, fd=fd, addr=text("by a ring"), length=9, off=-1)
ring.one(CLOSE, fd=fd)
ring.one(CLOSE, fd=fd)
"""
    path = str(tmp_path / "f")
    fields = "*%evt.type %evt.is_io_uring %fd.name %evt.buffer"
    with capture(["-v", "-p", fields, f"fd.name={path}"]) as tracer:
        subprocess.run([sys.executable, "-I", "-S", "-c", script, path], check=True)
    assert [line.strip() for line in tracer.done.out.splitlines()] == [
        f"openat true {path} <NA>", f"write false {path} by a system call", f"write true {path} by a ring",
        f"close true {path} <NA>",
    ]  # fmt: skip
