"""Ports by service name, where -R asks for it."""

from sysdig_py.engine.vm import Engine
from tests.lua_probe import Probe
from tests.synthetic import Stream, tuple4

SERVICES = b"http 80 tcp\nshell 514 tcp\nsyslog 514 udp\nwww 80 tcp\n"
STREAM, DGRAM = 1, 2


def name_of(kind: int, port: int, *, resolve: bool) -> str:
    probe = Probe(Engine())
    if resolve:
        probe.engine.require("ports")[b"resolve"](SERVICES)
    stream = Stream().thread(1)
    stream.event("SOCKET_SOCKET_X", 1, fd=3, domain=2, type=kind, proto=0)
    probe.feed(stream.event("SOCKET_CONNECT_X", 1, res=0, fd=3, tuple=tuple4("10.0.0.1", 4000, "10.0.0.2", port)))
    return bytes(probe.fd(1, 3)).decode()


def test_numbers_are_shown_as_they_are() -> None:
    assert name_of(STREAM, 80, resolve=False) == "10.0.0.1:4000->10.0.0.2:80"


def test_names_depend_on_the_protocol() -> None:
    assert name_of(STREAM, 80, resolve=True) == "10.0.0.1:4000->10.0.0.2:http"
    assert name_of(STREAM, 514, resolve=True) == "10.0.0.1:4000->10.0.0.2:shell"
    assert name_of(DGRAM, 514, resolve=True) == "10.0.0.1:4000->10.0.0.2:syslog"
