"""Socket tables as the kernel writes them (x86_64, little-endian words)."""

import os
import socket
import subprocess
from pathlib import Path

import pytest

from sysdig_py.capture.proc.reading import directory
from sysdig_py.capture.proc.sockets import NetworkNamespace, Socket
from sysdig_py.schema.state import L4, FdType, Role

HEAD = b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
REST = "00000000:00000000 00:00000000 00000000     0        0 {inode} 1 0 100 0 0 10 0"
ANY6 = "0" * 32
LOOPBACK6 = "00000000000000000000000001000000"
MAPPED = "0000000000000000FFFF00000100007F"
LOCALHOST = bytes((127, 0, 0, 1))


def table(*rows: tuple[str, str, str, int]) -> bytes:
    lines = [
        f"{n:4}: {local} {remote} {state} {REST.format(inode=inode)}\n"
        for n, (local, remote, state, inode) in enumerate(rows)
    ]
    return HEAD + "".join(lines).encode()


def load(tmp_path: Path, **tables: bytes) -> NetworkNamespace:
    (tmp_path / "net").mkdir()
    for name, text in tables.items():
        (tmp_path / "net" / name).write_bytes(text)
    namespace = NetworkNamespace()
    with directory(str(tmp_path)) as process_fd:
        namespace.load(process_fd)
    return namespace


def find(namespace: NetworkNamespace, inode: int) -> Socket:
    found = namespace.find(inode)
    assert found
    return found


def test_listener_has_its_own_end_as_destination(tmp_path: Path) -> None:
    found = find(load(tmp_path, tcp=table(("0100007F:1F90", "00000000:0000", "0A", 11))), 11)
    assert found == Socket(
        FdType.IPV4_LISTENER,
        b"127.0.0.1:8080",
        b"\x02" + bytes(6) + LOCALHOST + (8080).to_bytes(2, "little"),
        L4.TCP,
        Role.SERVER,
    )


def test_both_ends_of_a_local_connection_have_the_client_first(tmp_path: Path) -> None:
    rows = [
        ("00000000:1F90", "00000000:0000", "0A", 11),
        ("0100007F:1F90", "0100007F:C001", "01", 12),
        ("0100007F:C001", "0100007F:1F90", "01", 13),
    ]
    namespace = load(tmp_path, tcp=table(*rows))
    server, client = find(namespace, 12), find(namespace, 13)
    assert server.name == client.name == b"127.0.0.1:49153->127.0.0.1:8080"
    assert server.tuple == client.tuple
    assert (server.role, client.role) == (Role.SERVER, Role.CLIENT)


def test_a_mapped_address_is_ipv4_and_its_ipv6_listener_makes_it_a_server(tmp_path: Path) -> None:
    rows = [(f"{ANY6}:0050", f"{ANY6}:0000", "0A", 11), (f"{MAPPED}:0050", f"{MAPPED}:C001", "01", 12)]
    namespace = load(tmp_path, tcp6=table(*rows))
    assert (find(namespace, 11).type, find(namespace, 11).name) == (FdType.IPV6_LISTENER, b":::80")
    assert find(namespace, 12)[:2] == (FdType.IPV4, b"127.0.0.1:49153->127.0.0.1:80")
    assert find(namespace, 12).role == Role.SERVER


def test_ipv6_connection(tmp_path: Path) -> None:
    found = find(load(tmp_path, tcp6=table((f"{LOOPBACK6}:C001", f"{LOOPBACK6}:0050", "01", 12))), 12)
    one = bytes(15) + b"\x01"
    assert found[:2] == (FdType.IPV6, b"::1:49153->::1:80")
    assert found.tuple == b"\x0a" + one + b"\x01\xc0" + one + b"\x50\x00"


@pytest.mark.parametrize(
    ("name", "remote", "kind", "l4", "text"),
    [
        ("udp", "00000000:0000", FdType.IPV4_LISTENER, L4.UDP, b"127.0.0.1:53"),
        ("udp", "0100007F:0035", FdType.IPV4, L4.UDP, b"127.0.0.1:53->127.0.0.1:53"),
        ("raw", "00000000:0000", FdType.IPV4_LISTENER, L4.RAW, b"127.0.0.1:53"),
        ("icmp", "00000000:0000", FdType.IPV4_LISTENER, L4.ICMP, b"127.0.0.1:53"),
    ],
)
def test_protocols(tmp_path: Path, name: str, remote: str, kind: FdType, l4: L4, text: bytes) -> None:
    found = find(load(tmp_path, **{name: table(("0100007F:0035", remote, "07", 5))}), 5)
    assert (found.type, found.l4, found.name) == (kind, l4, text)


def test_ports_of_another_protocol_make_no_server(tmp_path: Path) -> None:
    listener = table(("00000000:0035", "00000000:0000", "0A", 11))
    namespace = load(tmp_path, tcp=listener, udp=table(("0100007F:0035", "0100007F:C001", "01", 12)))
    assert find(namespace, 12).role == Role.CLIENT


def test_connections_without_a_socket_are_left_out(tmp_path: Path) -> None:
    assert load(tmp_path, tcp=table(("0100007F:1F90", "0100007F:C001", "06", 0))).find(0) is None


def test_unix_sockets(tmp_path: Path) -> None:
    text = b"""\
Num       RefCount Protocol Flags    Type St Inode Path
00000000deadbeef: 00000002 00000000 00010000 0001 01 101 /run/my socket
0000000000000007: 00000003 00000000 00000000 0001 03 102
0000000000000008: 00000003 00000000 00000000 0001 03 103 @abstract
"""
    namespace = load(tmp_path, unix=text)
    named = find(namespace, 101)
    assert (named.type, named.name, named.role) == (FdType.UNIX, b"/run/my socket", Role.SERVER)
    assert named.tuple == b"\x01" + 0xDEADBEEF.to_bytes(8, "little") + bytes(8) + b"/run/my socket\0"
    assert (find(namespace, 102).name, find(namespace, 102).role) == (b"", Role.CLIENT)
    assert find(namespace, 103).name == b"@abstract"


def test_netlink_and_packet_sockets(tmp_path: Path) -> None:
    netlink = b"sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode\n00000000 0 1 00000550 0 0 0 2 0 201\n"
    packet = b"sk RefCnt Type Proto Iface R Rmem User Inode\n00000000 3 3 0003 2 1 0 0 202\n"
    namespace = load(tmp_path, netlink=netlink, packet=packet)
    assert find(namespace, 201) == Socket(FdType.NETLINK)
    assert find(namespace, 202) == Socket(FdType.UNSUPPORTED)


def test_tables_of_a_process_that_ended() -> None:
    with subprocess.Popen(["sleep", "30"]) as child, directory(f"/proc/{child.pid}") as process_fd:
        assert NetworkNamespace().load(process_fd)
        child.kill()
        child.wait()
        assert not NetworkNamespace().load(process_fd)


def test_the_kernel_s_own_tables() -> None:
    namespace = NetworkNamespace()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client, server.accept()[0] as accepted:
            with directory("/proc/self") as process_fd:
                namespace.load(process_fd)
            inodes = [os.fstat(s.fileno()).st_ino for s in (server, client, accepted)]
            name = f"127.0.0.1:{client.getsockname()[1]}->127.0.0.1:{port}".encode()
    told = [find(namespace, inode) for inode in inodes]
    assert [t.name for t in told] == [f"127.0.0.1:{port}".encode(), name, name]
    assert [t.role for t in told] == [Role.SERVER, Role.CLIENT, Role.SERVER]
