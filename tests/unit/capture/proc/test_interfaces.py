import socket

from sysdig_py.capture.proc import interfaces
from sysdig_py.capture.proc.interfaces import Interface, ipv4_addresses, ipv6_addresses
from sysdig_py.schema.state import State
from tests.unit.state_records import parse

FIB_TRIE = """\
Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 127.0.0.0/8 2 0 2
        +-- 127.0.0.0/31 1 0 0
           |-- 127.0.0.0
              /8 host LOCAL
           |-- 127.0.0.1
              /32 host LOCAL
        |-- 127.255.255.255
           /32 link BROADCAST
     +-- 172.17.0.0/16 2 0 2
        |-- 172.17.0.2
           /32 host LOCAL
     |-- 10.9.9.9
        /32 host LOCAL
Local:
           |-- 172.17.0.2
              /32 host LOCAL
"""
ROUTE = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
"""


def packed(text: str) -> bytes:
    return socket.inet_aton(text)


def test_ipv4_addresses_of_another_namespace() -> None:
    assert ipv4_addresses(FIB_TRIE, ROUTE) == [
        Interface("", packed("10.9.9.9"), packed("255.255.255.255"), b""),
        Interface("lo", packed("127.0.0.1"), packed("255.0.0.0"), b""),
        Interface("eth0", packed("172.17.0.2"), packed("255.255.0.0"), packed("172.17.255.255")),
    ]


def test_ipv6_addresses_of_another_namespace() -> None:
    text = (
        "fe80000000000000004235fffe7a2972 04 40 20 80  docker0\n00000000000000000000000000000001 01 80 10 80       lo\n"
    )
    assert ipv6_addresses(text) == [
        Interface("docker0", socket.inet_pton(socket.AF_INET6, "fe80::42:35ff:fe7a:2972"), b"\xff" * 8 + bytes(8), b""),
        Interface("lo", bytes(15) + b"\x01", b"\xff" * 16, b""),
    ]


def test_no_tables_no_addresses() -> None:
    assert ipv4_addresses("", "") == [] and ipv6_addresses("") == []


def test_own_addresses_have_the_loopback() -> None:
    found = list(interfaces.own())
    loopback = next(i for i in found if i.address == packed("127.0.0.1"))
    assert loopback.netmask == packed("255.0.0.0")
    assert {len(i.address) for i in found} <= {4, 16}
    assert {len(i.netmask) for i in found} <= {0, 4, 16}


def test_record() -> None:
    told = parse(interfaces.record(4026531840, Interface("eth0", b"\x0a\0\0\1", b"\xff\0\0\0", b"", 10**9)))
    assert told.type == State.INTERFACE
    assert (told["netns"], told["name"], told["addr"], told["netmask"]) == (
        4026531840,
        "eth0",
        b"\x0a\0\0\1",
        b"\xff\0\0\0",
    )
    assert (told["broadcast"], told["speed"]) == (b"", 10**9)
