"""Socket calls: both ends of the connection, from the kernel's own view."""

import os
import socket
import struct

import pytest

pytestmark = pytest.mark.kernel

LOOPBACK = socket.inet_aton("127.0.0.1")
LOOPBACK6 = socket.inet_pton(socket.AF_INET6, "::1")


def tuple4(source, sport, destination, dport):
    return b"\x02" + source + struct.pack("<H", sport) + destination + struct.pack("<H", dport)


def tuple6(sport, dport):
    return b"\x0a" + LOOPBACK6 + struct.pack("<H", sport) + LOOPBACK6 + struct.pack("<H", dport)


def ends(event):
    """Return (source, destination) of a unix tuple."""
    assert event["tuple"][0] == 1
    return struct.unpack_from("<QQ", event["tuple"], 1)


def test_tcp_connection(tracer):
    script = """
import socket
l = socket.socket(); l.bind(("127.0.0.1", 0)); l.listen(5)
c = socket.socket(); c.connect(l.getsockname())
a, _ = l.accept()
c.send(b"hello"); a.recv(100)
a.sendmsg([b"wor", b"ld"]); c.recvmsg(100)
print(l.fileno(), c.fileno(), a.fileno(), l.getsockname()[1], c.getsockname()[1])
"""
    run = tracer.run(script)
    listener, client, server, port, own = map(int, run.out.split())
    there = tuple4(LOOPBACK, own, LOOPBACK, port)
    back = tuple4(LOOPBACK, port, LOOPBACK, own)
    made = run.of("SOCKET_SOCKET_X")
    assert [(e["fd"], e["domain"], e["type"], e["flags"]) for e in made] == [
        (listener, 2, 1, 0x1000),
        (client, 2, 1, 0x1000),
    ]
    assert run.one("SOCKET_BIND_X").params == {"res": 0, "addr": b"\x02" + LOOPBACK + b"\0\0", "fd": listener}
    assert run.one("SOCKET_LISTEN_X").params == {"res": 0, "fd": listener, "backlog": 5}
    connect = run.one("SOCKET_CONNECT_X")
    assert connect.params == {
        "res": 0, "tuple": there, "fd": client, "addr": b"\x02" + LOOPBACK + struct.pack("<H", port)
    }  # fmt: skip
    accept = run.one("SOCKET_ACCEPT4_6_X")
    assert (accept["fd"], accept["tuple"], accept["queuemax"], accept["flags"]) == (server, there, 5, 0x1000)
    assert run.one("SOCKET_SENDTO_X").params == {"res": 5, "data": b"hello", "fd": client, "size": 5, "tuple": there}
    assert run.one("SOCKET_RECVFROM_X").params == {
        "res": 5, "data": b"hello", "tuple": there, "fd": server, "size": 100
    }  # fmt: skip
    assert run.one("SOCKET_SENDMSG_X").params == {"res": 5, "data": b"world", "fd": server, "size": 5, "tuple": back}
    assert run.one("SOCKET_RECVMSG_X").params == {
        "res": 5, "size": 100, "data": b"world", "tuple": back, "msgcontrol": b"", "fd": client
    }  # fmt: skip


def test_shutdown_and_options(tracer):
    script = """
import socket
a, b = socket.socketpair()
a.shutdown(socket.SHUT_WR)
a.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
a.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
print(a.fileno())
"""
    run = tracer.run(script)
    fd = int(run.out)
    assert run.one("SOCKET_SHUTDOWN_X").params == {"res": 0, "fd": fd, "how": 1}
    option = run.one("SOCKET_SETSOCKOPT_X")
    assert option.params == {"res": 0, "fd": fd, "level": 1, "optname": 9, "val": b"\x02\1\0\0\0", "optlen": 4}
    assert run.one("SOCKET_GETSOCKOPT_X")["val"] == b"\x01" + bytes(8)


def test_refused_connection_has_the_address_only(tracer):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    run = tracer.run(f"import socket; socket.socket().connect_ex(('127.0.0.1', {port}))")
    event = run.one("SOCKET_CONNECT_X", res=-111)
    assert event["tuple"] == b""
    assert event["addr"] == b"\x02" + LOOPBACK + struct.pack("<H", port)


def test_unconnected_udp_is_named_by_the_call(tracer):
    script = """
import socket
a = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); a.bind(("127.0.0.1", 0))
b = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); b.bind(("127.0.0.1", 0))
a.sendto(b"ping", b.getsockname()); b.recvfrom(10)
b.sendmsg([b"pong"], [], 0, a.getsockname()); a.recvmsg(10)
print(a.getsockname()[1], b.getsockname()[1])
"""
    run = tracer.run(script)
    one, two = map(int, run.out.split())
    there, back = tuple4(LOOPBACK, one, LOOPBACK, two), tuple4(LOOPBACK, two, LOOPBACK, one)
    assert run.one("SOCKET_SENDTO_X")["tuple"] == there
    assert run.one("SOCKET_RECVFROM_X")["tuple"] == there
    assert run.one("SOCKET_SENDMSG_X")["tuple"] == back
    assert run.one("SOCKET_RECVMSG_X")["tuple"] == back


def test_connected_udp_is_named_by_the_socket_and_calls_that_fail_say_so(tracer):
    script = """
import socket
a = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); a.bind(("127.0.0.1", 0)); a.setblocking(False)
b = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); b.bind(("127.0.0.1", 0)); b.connect(a.getsockname())
a.connect(b.getsockname())
b.send(b"x" * 200); a.recv(300)
for call in (lambda: a.recv(10), lambda: a.send(b"y" * 70000)):
    try:
        call()
    except OSError:
        pass
print(a.fileno(), b.fileno(), a.getsockname()[1], b.getsockname()[1])
"""
    run = tracer.run(script)
    receiver, sender, to, own = map(int, run.out.split())
    there, back = tuple4(LOOPBACK, own, LOOPBACK, to), tuple4(LOOPBACK, to, LOOPBACK, own)
    sent, too_long = run.of("SOCKET_SENDTO_X")
    received, nothing = run.of("SOCKET_RECVFROM_X")
    assert sent.params == {"res": 200, "data": b"x" * 80, "fd": sender, "size": 200, "tuple": there}
    assert received.params == {"res": 200, "data": b"x" * 80, "tuple": there, "fd": receiver, "size": 300}
    assert nothing.params == {"res": -11, "data": b"", "tuple": b"", "fd": receiver, "size": 10}
    assert too_long.params == {"res": -90, "data": b"y" * 80, "fd": receiver, "size": 70000, "tuple": back}


def test_ipv6(tracer):
    script = """
import socket
l = socket.socket(socket.AF_INET6); l.bind(("::1", 0)); l.listen()
c = socket.socket(socket.AF_INET6); c.connect(l.getsockname())
a, _ = l.accept(); a.send(b"six")
print(l.getsockname()[1], c.getsockname()[1])
"""
    run = tracer.run(script)
    port, own = map(int, run.out.split())
    assert run.one("SOCKET_CONNECT_X")["tuple"] == tuple6(own, port)
    assert run.one("SOCKET_ACCEPT4_6_X")["tuple"] == tuple6(own, port)
    assert run.one("SOCKET_SENDTO_X")["tuple"] == tuple6(port, own)
    assert run.of("SOCKET_BIND_X")[0]["addr"] == b"\x0a" + LOOPBACK6 + b"\0\0"


def test_unix_sockets(tracer, tmp_path):
    script = """
import socket, sys
l = socket.socket(socket.AF_UNIX); l.bind(sys.argv[1]); l.listen()
c = socket.socket(socket.AF_UNIX); c.connect(sys.argv[1])
a, _ = l.accept(); c.send(b"u"); a.recv(4)
n = socket.socket(socket.AF_UNIX); n.bind(b"\\0hidden")
"""
    path = str(tmp_path / "s")
    run = tracer.run(script, path)
    connect, accept = run.one("SOCKET_CONNECT_X"), run.one("SOCKET_ACCEPT4_6_X")
    assert ends(connect) == ends(accept)
    assert all(ends(connect))
    assert connect["tuple"][17:] == accept["tuple"][17:] == path.encode() + b"\0"
    assert ends(run.one("SOCKET_SENDTO_X")) == ends(connect)
    assert ends(run.one("SOCKET_RECVFROM_X")) == ends(connect)
    assert [e["addr"] for e in run.of("SOCKET_BIND_X")] == [b"\x01" + path.encode() + b"\0", b"\x01hidden\0"]


def test_socketpair(tracer):
    run = tracer.run("import socket; a, b = socket.socketpair(); print(a.fileno(), b.fileno())")
    event = run.one("SOCKET_SOCKETPAIR_X")
    assert [event["fd1"], event["fd2"]] == list(map(int, run.out.split()))
    assert event["source"] and event["peer"] and event["source"] != event["peer"]
    assert (event["domain"], event["type"]) == (1, 1)


def test_many_messages_in_one_call(tracer):
    script = """
import ctypes, socket, struct
libc = ctypes.CDLL(None)
a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
texts = [ctypes.create_string_buffer(t, len(t)) for t in (b"first", b"second", b"third!!")]
vectors = [ctypes.create_string_buffer(struct.pack("QQ", ctypes.addressof(t), len(t))) for t in texts]
heads = b"".join(struct.pack("QIxxxxQQQQIxxxxIxxxx", 0, 0, ctypes.addressof(v), 1, 0, 0, 0, 0) for v in vectors)
print(libc.sendmmsg(a.fileno(), ctypes.create_string_buffer(heads, len(heads)), 3, 0))
"""
    run = tracer.run(script)
    assert run.out.strip() == "3"
    sent = run.of("SOCKET_SENDMMSG_X")
    assert [(e["res"], e["size"], e["data"]) for e in sent] == [(5, 5, b"first"), (6, 6, b"second"), (7, 7, b"third!!")]


def test_poll(tracer):
    script = """
import os, select
r, w = os.pipe(); p = select.poll(); p.register(r, select.POLLIN); os.write(w, b"1"); p.poll(50); print(r)
"""
    run = tracer.run(script)
    seen = {"res": 1, "fds": struct.pack("<HqH", 1, int(run.out), 1)}
    if os.uname().machine == "x86_64":
        assert run.of("SYSCALL_POLL_X")[-1].params == seen | {"timeout": 50}
    else:  # libc's poll there, in whose time the kernel writes what is left of it
        event = run.of("SYSCALL_PPOLL_X")[-1]
        assert event.params == seen | {"timeout": event["timeout"], "sigmask": 0}
        assert 0 < event["timeout"] <= 50_000_000
