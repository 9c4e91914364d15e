import pytest

from sysdig_py.schema.state import FdType, State
from tests.lua_probe import Probe
from tests.synthetic import Stream, sockaddr, sockaddr_unix, tuple4, tuple_unix

INET, INET6, UNIX = 2, 10, 1
STREAM, DGRAM, RAW = 1, 2, 3


@pytest.fixture
def probe():
    made = Probe()
    made.lua("require('walk').add_sink{ on_event = function() end }")
    loopback = {"name": "lo", "addr": bytes([127, 0, 0, 1]), "netmask": bytes([255, 0, 0, 0])}
    outward = {"name": "eth0", "addr": bytes([10, 0, 0, 5]), "netmask": bytes([255, 255, 0, 0])}
    stream = Stream().thread(5).state(State.INTERFACE, **loopback).state(State.INTERFACE, **outward)
    made.feed(stream)
    return made


def facts(probe, num=3):
    return [probe.fd(5, num, f) for f in ("name", "l4", "role", "connected", "type")]


def socket(domain, kind, proto=0, fd=3):
    return Stream().event("SOCKET_SOCKET_X", 5, fd=fd, domain=domain, type=kind, proto=proto)


@pytest.mark.parametrize(
    ("kind", "proto", "l4"),
    [
        (STREAM, 0, b"tcp"),
        (STREAM, 6, b"tcp"),
        (DGRAM, 0, b"udp"),
        (DGRAM, 17, b"udp"),
        (RAW, 1, b"raw"),
        (DGRAM, 1, b"icmp"),
    ],
)
def test_protocols(probe, kind, proto, l4):
    probe.feed(socket(INET, kind | 0x800, proto))
    assert facts(probe) == [b"", l4, None, False, FdType.IPV4]


def test_sockets_of_other_families_are_not_followed(probe):
    probe.feed(socket(17, RAW))
    assert probe.fd(5, 3) is None


def test_close_on_exec_sockets(probe):
    probe.feed(socket(UNIX, STREAM | 0x80000))
    assert probe.fd(5, 3, "cloexec") is True


@pytest.mark.parametrize(("res", "named"), [(0, True), (-115, True), (-111, False)])
def test_connect(probe, res, named):
    data = tuple4("10.0.0.5", 40000, "1.2.3.4", 80)
    probe.feed(socket(INET, STREAM).event("SOCKET_CONNECT_X", 5, res=res, tuple=data, fd=3))
    expected = [b"10.0.0.5:40000->1.2.3.4:80", b"tcp", b"client", True, FdType.IPV4]
    assert facts(probe) == (expected if named else [b"", b"tcp", None, False, FdType.IPV4])


def test_connect_without_a_tuple_knows_the_destination(probe):
    probe.feed(socket(INET, STREAM).event("SOCKET_CONNECT_X", 5, res=-115, fd=3, addr=sockaddr("10.0.7.7", 81)))
    assert facts(probe)[0] == b"10.0.0.5:0->10.0.7.7:81"


def test_connect_on_a_socket_not_seen_before(probe):
    data = tuple4("10.0.0.5", 40000, "1.2.3.4", 80)
    probe.feed(Stream().event("SOCKET_CONNECT_X", 5, res=0, tuple=data, fd=8))
    assert facts(probe, 8) == [b"10.0.0.5:40000->1.2.3.4:80", None, b"client", True, FdType.IPV4]


def test_accept(probe):
    stream = Stream().event("SOCKET_ACCEPT4_6_X", 5, fd=7, tuple=tuple4("9.9.9.9", 1234, "10.0.0.5", 80))
    probe.feed(stream)
    assert facts(probe, 7) == [b"9.9.9.9:1234->10.0.0.5:80", b"tcp", b"server", True, FdType.IPV4]
    assert probe.value("ev.fdnum") == 7


def test_accept_without_a_tuple_makes_nothing(probe):
    probe.feed(Stream().event("SOCKET_ACCEPT4_6_X", 5, fd=7))
    assert probe.fd(5, 7) is None


def test_ipv6_and_mapped_addresses(probe):
    stream = Stream().event("SOCKET_ACCEPT4_6_X", 5, fd=7, tuple=tuple4("2001:db8::1", 1, "fe80::2", 80))
    probe.feed(stream.event("SOCKET_ACCEPT4_6_X", 5, fd=8, tuple=tuple4("::ffff:9.9.9.9", 1, "::ffff:10.0.0.5", 80)))
    assert facts(probe, 7)[0] == b"2001:db8::1:1->fe80::2:80"
    assert (facts(probe, 8)[0], facts(probe, 8)[4]) == (b"9.9.9.9:1->10.0.0.5:80", FdType.IPV4)


def test_bind_and_listen(probe):
    stream = socket(INET, STREAM).event("SOCKET_BIND_X", 5, res=0, fd=3, addr=sockaddr("0.0.0.0", 80))
    probe.feed(stream.event("SOCKET_LISTEN_X", 5, res=0, fd=3))
    assert facts(probe) == [b"0.0.0.0:80", b"tcp", b"server", False, FdType.IPV4_LISTENER]
    assert probe.fd(5, 3, "listener") is True


def test_bind_to_any_port_is_no_listener(probe):
    probe.feed(socket(INET, DGRAM).event("SOCKET_BIND_X", 5, res=0, fd=3, addr=sockaddr("0.0.0.0", 0)))
    assert facts(probe) == [b"", b"udp", None, False, FdType.IPV4]


def test_unix_sockets(probe):
    stream = socket(UNIX, STREAM).event(
        "SOCKET_CONNECT_X", 5, res=0, fd=3, tuple=tuple_unix(0xFFFF8800AB, 0x1, "/run/s")
    )
    stream.event("SOCKET_ACCEPT4_6_X", 5, fd=4, tuple=tuple_unix(2, 3, ""))
    stream.event("SOCKET_SOCKETPAIR_X", 5, res=0, fd1=6, fd2=7, source=1, peer=2)
    stream.event("SOCKET_SOCKET_X", 5, fd=8, domain=UNIX, type=STREAM, proto=0)
    probe.feed(stream.event("SOCKET_BIND_X", 5, res=0, fd=8, addr=sockaddr_unix("/run/x")))
    assert [probe.fd(5, n) for n in (3, 4, 8)] == [b"ffff8800ab->1 /run/s", b"2->3 ", b"/run/x"]
    assert [probe.fd(5, n, "type") for n in (3, 4, 6, 7)] == [FdType.UNIX] * 4


def udp(fd=3):
    return socket(INET, DGRAM, fd=fd)


def test_a_udp_client_stays_first_in_both_directions(probe):
    stream = udp().event("SOCKET_SENDTO_X", 5, res=4, fd=3, size=4, tuple=tuple4("10.0.0.5", 5000, "8.8.8.8", 53))
    probe.feed(stream)
    expected = [b"10.0.0.5:5000->8.8.8.8:53", b"udp", b"client", True, FdType.IPV4]
    assert facts(probe) == expected
    probe.feed(
        Stream().event("SOCKET_RECVFROM_X", 5, res=4, fd=3, size=4, tuple=tuple4("8.8.8.8", 53, "10.0.0.5", 5000))
    )
    assert facts(probe) == expected


def test_receiving_without_an_address_keeps_the_peer(probe):
    stream = socket(INET, DGRAM)
    stream.event("SOCKET_SENDTO_X", 5, res=1, fd=3, size=1, tuple=tuple4("127.0.0.1", 4000, "127.0.0.1", 53))
    stream.event("SOCKET_RECVFROM_X", 5, res=1, fd=3, size=9, tuple=tuple4("0.0.0.0", 0, "0.0.0.0", 4000))
    probe.feed(stream)
    assert facts(probe)[0] == b"127.0.0.1:4000->127.0.0.1:53"


def test_a_udp_server_is_found_by_its_port(probe):
    stream = udp().event("SOCKET_BIND_X", 5, res=0, fd=3, addr=sockaddr("0.0.0.0", 53))
    stream.event("SOCKET_RECVFROM_X", 5, res=4, fd=3, tuple=tuple4("9.9.9.9", 777, "10.0.0.5", 53))
    probe.feed(stream)
    assert facts(probe)[:3] == [b"9.9.9.9:777->10.0.0.5:53", b"udp", b"server"]
    probe.feed(Stream().event("SOCKET_SENDTO_X", 5, res=4, fd=3, tuple=tuple4("10.0.0.5", 53, "9.9.9.8", 778)))
    assert facts(probe)[0] == b"9.9.9.8:778->10.0.0.5:53"


def test_a_sender_without_address_gets_the_interfaces(probe):
    probe.feed(udp().event("SOCKET_SENDTO_X", 5, res=4, fd=3, tuple=tuple4("0.0.0.0", 5000, "10.0.9.9", 53)))
    assert facts(probe)[0] == b"10.0.0.5:5000->10.0.9.9:53"


def test_a_receiver_without_address_keeps_its_name(probe):
    stream = udp().event("SOCKET_SENDTO_X", 5, res=4, fd=3, tuple=tuple4("0.0.0.0", 5000, "10.0.9.9", 53))
    probe.feed(stream.event("SOCKET_RECVFROM_X", 5, res=4, fd=3, tuple=tuple4("10.0.9.9", 53, "0.0.0.0", 5000)))
    assert facts(probe)[0] == b"10.0.0.5:5000->10.0.9.9:53"


def test_a_udp_server_on_a_port_of_the_kernels_choice(probe):
    stream = udp().event("SOCKET_BIND_X", 5, res=0, fd=3, addr=sockaddr("10.0.0.5", 0))
    probe.feed(stream.event("SOCKET_RECVFROM_X", 5, res=4, fd=3, tuple=tuple4("10.0.9.9", 53, "10.0.0.5", 5000)))
    assert facts(probe)[:3] == [b"10.0.9.9:53->10.0.0.5:5000", b"udp", b"server"]


def test_a_failed_send_tells_nothing(probe):
    probe.feed(udp().event("SOCKET_SENDTO_X", 5, res=-1, fd=3, tuple=tuple4("10.0.0.5", 5000, "8.8.8.8", 53)))
    assert facts(probe)[0] == b""


def test_tcp_sockets_are_not_renamed_by_data(probe):
    stream = socket(INET, STREAM).event("SOCKET_CONNECT_X", 5, res=0, fd=3, tuple=tuple4("10.0.0.5", 1, "1.2.3.4", 80))
    probe.feed(stream.event("SOCKET_SENDTO_X", 5, res=1, fd=3, tuple=tuple4("7.7.7.7", 1, "8.8.8.8", 2)))
    assert facts(probe)[0] == b"10.0.0.5:1->1.2.3.4:80"


def test_data_on_an_unknown_socket_names_it(probe):
    probe.feed(Stream().event("SOCKET_RECVMSG_X", 5, res=1, fd=9, tuple=tuple4("1.1.1.1", 80, "10.0.0.5", 5000)))
    assert facts(probe, 9)[:3] == [b"10.0.0.5:5000->1.1.1.1:80", None, b"client"]


def test_sockets_of_the_snapshot(probe):
    pair = {"tuple": tuple4("9.9.9.9", 1234, "10.0.0.5", 80), "l4proto": 2, "role": 2, "type": int(FdType.IPV4)}
    own = {"tuple": tuple4("0.0.0.0", 0, "0.0.0.0", 80), "l4proto": 2, "role": 2, "type": int(FdType.IPV4_LISTENER)}
    stream = Stream().state(State.FD, 5, 5, fd=20, **pair).state(State.FD, 5, 5, fd=21, **own)
    probe.feed(stream.state(State.FD, 5, 5, fd=22, type=16, name="/f", ino=4))
    assert facts(probe, 20) == [b"9.9.9.9:1234->10.0.0.5:80", b"tcp", b"server", True, FdType.IPV4]
    assert facts(probe, 21) == [b"0.0.0.0:80", b"tcp", b"server", False, FdType.IPV4_LISTENER]
    assert facts(probe, 22) == [b"/f", None, None, False, FdType.FILE]
