"""The chisels about connections and requests, over small scenes."""

import json
import struct

from sysdig_py.chisel.run import ChiselSettings
from sysdig_py.schema.state import Role
from tests.synthetic import Stream
from tests.unit.chisel.running import container, play, read, socket, write

ENDS = ("10.0.0.1", 5000, "10.0.0.2", 80)
REQUEST = b"GET /a HTTP/1.1\r\nHost: example.com\r\n\r\n"
ANSWER = b"HTTP/1.1 404 Not Found\r\nContent-Length: 12\r\n\r\n"


def output(name: str, stream: Stream, arguments: str | None = None, *, as_json: bool = False, pc: bool = False) -> str:
    played = play([(name, arguments)], stream.take(), settings=ChiselSettings(json=as_json, container_data=pc))
    assert played.failures == []
    return played.output


def asking() -> Stream:
    stream = Stream(step=1_000_000)
    container(stream, 10, "aaaaaaaaaaaa", "web", "10.0.0.1")
    stream.thread(100, cgroup=10, comm="curl")
    socket(stream, 100, 5, ENDS, Role.CLIENT)
    return stream


def exchange() -> Stream:
    stream = asking()
    write(stream, 100, 5, len(REQUEST), REQUEST, cgroup=10)
    read(stream, 100, 5, len(ANSWER), ANSWER, cgroup=10)
    return stream


def test_httplog() -> None:
    text = output("httplog", exchange())
    assert text.endswith(" > method=GET url=example.com/a response_code=404 latency=1ms size=12B\n")
    assert " web > method=GET" in output("httplog", exchange(), pc=True)


def test_httplog_wants_an_answer_on_the_same_connection() -> None:
    stream = asking()
    write(stream, 100, 5, len(REQUEST), REQUEST)
    socket(stream, 100, 6, ("10.0.0.1", 5001, "10.0.0.2", 80), Role.CLIENT)
    read(stream, 100, 6, len(ANSWER), ANSWER)
    assert output("httplog", stream) == ""


def test_httptop() -> None:
    rows = {by: output("httptop", exchange(), by).splitlines()[2].split() for by in ("ncalls", "bytes", "time")}
    assert {by: row[0] for by, row in rows.items()} == {"ncalls": "1", "bytes": "12B", "time": "1.00ms"}
    assert rows["ncalls"][1:] == ["GET", "example.com/a"]


def test_slowest_shows_both_calls() -> None:
    lines = output("slowest", exchange()).splitlines()
    assert lines[0] == "1) 1.00ms asked curl (100) 10.0.0.1:5000->10.0.0.2:80"
    assert lines[1].split()[1:] == ["write", f"{len(REQUEST)}B", "GET", "/a", "HTTP/1.1..Host:", "example.com...."]
    assert lines[2].split()[1:4] == ["read", f"{len(ANSWER)}B", "HTTP/1.1"]


def test_slowest_keeps_only_the_slowest() -> None:
    stream = asking()
    for gap in (1, 5, 3):
        write(stream, 100, 5, 4, b"ask ")
        for _ in range(gap - 1):
            stream.event("SYSCALL_CLOSE_X", 100, res=-9)
        read(stream, 100, 5, 4, b"told")
    lines = [line for line in output("slowest", stream, "2").splitlines() if ")" in line[:3]]
    assert [line.split()[1] for line in lines] == ["5.00ms", "3.00ms"]


def conns(stream: Stream) -> list[list[str]]:
    return [line.split() for line in output("conns", stream).splitlines()[2:]]


def test_conns_tells_what_is_open_at_the_end() -> None:
    assert conns(exchange()) == [
        ["0.001s", "web", "10.0.0.2", "80", "-", "-", f"{len(REQUEST)}B", f"{len(ANSWER)}B", "open"]
    ]


def test_conns_as_json() -> None:
    row = json.loads(output("conns", exchange(), as_json=True))
    assert (row["client"], row["port"], row["sent"], row["state"]) == ("web", 80, len(REQUEST), "open")


def dns(number: int, name: str, kind: int, *, code: int | None = None, answers: int = 0) -> bytes:
    flags = 0x0100 if code is None else 0x8180 | code
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    return struct.pack(">6H", number, flags, 1, answers, 0, 0) + labels + b"\0" + struct.pack(">2H", kind, 1)


def resolving() -> Stream:
    stream = Stream(step=1_000_000)
    stream.thread(7, comm="curl")
    socket(stream, 7, 3, ("10.0.0.1", 4000, "10.0.0.53", 53), Role.CLIENT)
    for data in (dns(1, "a.example", 1), dns(2, "a.example", 28), dns(3, "lost.example", 15)):
        write(stream, 7, 3, len(data), data)
    for data in (dns(1, "a.example", 1, code=0, answers=2), dns(2, "a.example", 28, code=3)):
        read(stream, 7, 3, len(data), data)
    return stream


def test_dns() -> None:
    rows = [line.split()[1:] for line in output("dns", resolving()).splitlines()[2:]]
    assert rows == [
        ["curl", "host", "A", "a.example", "NOERROR", "2", "3.00ms", "10.0.0.53"],
        ["curl", "host", "AAAA", "a.example", "NXDOMAIN", "0", "3.00ms", "10.0.0.53"],
        ["curl", "host", "MX", "lost.example", "-", "-", "-", "10.0.0.53"],
    ]


def test_dns_ignores_what_is_no_message() -> None:
    stream = Stream()
    stream.thread(7, comm="curl")
    socket(stream, 7, 3, ("10.0.0.1", 4000, "10.0.0.53", 53), Role.CLIENT)
    for data in (b"x", b"\xff" * 40, dns(1, "a.example", 1)[:15]):
        write(stream, 7, 3, len(data), data)
    assert output("dns", stream).count("\n") == 2


def test_memcachelog() -> None:
    stream = asking()
    socket(stream, 100, 6, ("10.0.0.1", 5001, "10.0.0.2", 11211), Role.CLIENT)
    for data in (b"set k1 0 60 2048\r\n", b"get k2\r\n"):
        write(stream, 100, 6, len(data), data)
    read(stream, 100, 6, 30, b"VALUE k2 0 10\r\n0123456789\r\nEN")
    assert [line.split(" ", 2)[2] for line in output("memcachelog", stream).splitlines()] == [
        "method=set size=2048B key=k1",
        "method=get size=10B key=k2",
    ]
