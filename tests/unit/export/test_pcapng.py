"""Conversations as packets: hand-made exchanges taken apart again, and the shipped trace in stock tshark."""

import io
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysdig_py.capture.traces import open_replay
from sysdig_py.engine.vm import Engine
from sysdig_py.export import pcapng
from sysdig_py.export.passes import Request
from sysdig_py.schema.state import FdType, State
from tests.pcapng import Capture, Packet, complaints, read, tshark
from tests.source_tree import ROOT
from tests.synthetic import Stream, tuple4, tuple_unix

DEMO = ROOT / "tests/data/demo.spy"
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
CLIENT, SERVER = "10.0.0.1:4000", "10.0.0.2:80"
PAIR = tuple4("10.0.0.1", 4000, "10.0.0.2", 80)


def section() -> bytes:
    return pcapng.section_header({})


def packets(stream: Stream) -> list[Packet]:
    return capture(stream).packets


def capture(stream: Stream) -> Capture:
    engine = Engine()
    sink = engine.require("pcapng.sink")
    sink[b"start"]()
    engine.feed_bytes(stream.take())
    found = read(section() + sink[b"take"]())
    assert all(packet.checks for packet in found.packets)
    assert int(sink[b"counts"]()[0]) == len(found.packets)
    return found


def connect(stream: Stream, tid: int = 7, fd: int = 3, pair: bytes = PAIR, res: int = 0, kind: int = 1) -> Stream:
    stream.event("SOCKET_SOCKET_X", tid=tid, fd=fd, domain=2 if len(pair) == 13 else 10, type=kind, proto=0)
    return stream.event("SOCKET_CONNECT_X", tid=tid, res=res, tuple=pair, fd=fd)


def accept(stream: Stream, tid: int = 8, fd: int = 5, pair: bytes = PAIR) -> Stream:
    return stream.event("SOCKET_ACCEPT4_6_X", tid=tid, fd=fd, tuple=pair)


def send(stream: Stream, data: bytes, tid: int = 7, fd: int = 3, size: int | None = None) -> Stream:
    size = len(data) if size is None else size
    return stream.event("SYSCALL_WRITE_X", tid=tid, res=size, data=data, fd=fd, size=size)


def receive(stream: Stream, data: bytes, tid: int = 7, fd: int = 3, size: int | None = None) -> Stream:
    size = len(data) if size is None else size
    return stream.event("SYSCALL_READ_X", tid=tid, res=size, data=data, fd=fd, size=max(size, 9))


def close(stream: Stream, tid: int = 7, fd: int = 3) -> Stream:
    return stream.event("SYSCALL_CLOSE_X", tid=tid, res=0, fd=fd)


def brief(found: list[Packet]) -> list[tuple[str, int, int]]:
    """Return who sent, the flags, and how much, of each packet."""
    return [("client" if packet.source == CLIENT else "server", packet.flags, packet.length) for packet in found]


HANDSHAKE = [("client", SYN, 0), ("server", SYN | ACK, 0), ("client", ACK, 0)]


def test_a_whole_connection() -> None:
    stream = connect(Stream().thread(7, comm="curl"))
    found = packets(close(receive(receive(send(stream, b"GET"), b"200 OK"), b"")))
    assert brief(found) == [
        *HANDSHAKE,
        ("client", PSH | ACK, 3),
        ("server", PSH | ACK, 6),
        ("server", FIN | ACK, 0),
        ("client", FIN | ACK, 0),
        ("server", ACK, 0),
    ]
    assert [packet.payload for packet in found if packet.length] == [b"GET", b"200 OK"]
    assert {(packet.source, packet.destination) for packet in found} == {(CLIENT, SERVER), (SERVER, CLIENT)}


def test_sequence_numbers_count_bytes_and_signs() -> None:
    found = packets(close(receive(send(connect(Stream()), b"GET"), b"200 OK")))
    client, server = found[0].seq, found[1].seq
    expected = [(0, -server), (0, 1), (1, 1), (1, 1), (1, 4), (4, 7)]
    for packet, (seq, ack) in zip(found, expected, strict=True):
        own, other = (client, server) if packet.source == CLIENT else (server, client)
        assert (packet.seq - own, packet.ack - other) == (seq, ack)


def test_times_and_direction_are_those_of_the_events() -> None:
    stream = receive(send(connect(Stream(ts=1_000_000_007, step=1)), b"a"), b"b")
    found = packets(stream)
    assert [packet.ns for packet in found] == [1_000_000_009] * 3 + [1_000_000_010, 1_000_000_011]
    assert [packet.direction for packet in found] == [2, 1, 2, 2, 1]


def test_a_conversation_of_which_both_ends_are_seen_is_shown_once() -> None:
    stream = accept(connect(Stream()))
    receive(send(stream, b"GET"), b"GET", tid=8, fd=5)
    receive(send(stream, b"200", tid=8, fd=5), b"200")
    found = packets(close(close(stream), tid=8, fd=5))
    assert brief(found) == [*HANDSHAKE, ("client", PSH | ACK, 3), ("server", PSH | ACK, 3), ("client", FIN | ACK, 0)]


def test_an_end_that_is_accepted_after_the_other_is_gone_is_no_second_conversation() -> None:
    stream = close(send(connect(Stream()), b"GET"))
    receive(accept(stream), b"GET", tid=8, fd=5)
    assert len(packets(stream)) == 5


def test_the_same_ports_again_are_another_connection() -> None:
    stream = close(connect(Stream()))
    found = packets(close(send(connect(stream), b"x")))
    assert brief(found).count(("client", SYN, 0)) == 2
    assert found[0].seq != found[4].seq


def test_the_server_alone() -> None:
    stream = send(receive(accept(Stream()), b"GET", tid=8, fd=5), b"200", tid=8, fd=5)
    assert brief(packets(stream)) == [*HANDSHAKE, ("client", PSH | ACK, 3), ("server", PSH | ACK, 3)]


def test_a_connection_older_than_the_trace_begins_in_the_middle() -> None:
    stream = Stream().thread(7)
    stream.state(State.FD, tid=7, pid=7, fd=3, type=FdType.IPV4, l4proto=2, role=1, tuple=PAIR)
    assert brief(packets(receive(stream, b"x"))) == [("server", PSH | ACK, 1)]


def test_what_was_cut_by_the_snaplen_is_counted_in_the_lengths() -> None:
    (packet,) = packets(send(connect(Stream()), b"x" * 80, size=1000))[3:]
    assert (packet.length, packet.payload) == (1000, b"x" * 80)


def test_a_large_transfer_is_several_packets() -> None:
    found = packets(send(connect(Stream()), b"x" * 100, size=150_000))[3:]
    assert [packet.length for packet in found] == [65483, 65483, 19034]
    assert [len(packet.payload) for packet in found] == [100, 0, 0]
    assert found[2].seq - found[0].seq == 2 * 65483


def test_a_file_sent_is_a_packet_without_content() -> None:
    stream = connect(Stream()).event("SYSCALL_SENDFILE_X", tid=7, res=500, out_fd=3, in_fd=9, size=500)
    assert [(packet.length, packet.payload) for packet in packets(stream)[3:]] == [(500, b"")]


def test_a_connection_in_progress_is_made_when_data_comes() -> None:
    stream = connect(Stream(), res=-115)
    assert brief(packets(stream)) == HANDSHAKE[:1]
    assert brief(packets(send(connect(Stream(), res=-115), b"x"))) == [*HANDSHAKE, ("client", PSH | ACK, 1)]


def test_a_refused_connection_is_reset_by_the_server() -> None:
    assert brief(packets(connect(Stream(), res=-111))) == [("client", SYN, 0), ("server", RST | ACK, 0)]


def test_a_connection_broken_off_by_the_other_end() -> None:
    stream = connect(Stream()).event("SYSCALL_READ_X", tid=7, res=-104, data=b"", fd=3, size=9)
    assert brief(packets(stream))[3:] == [("server", RST | ACK, 0)]


def test_shutdown_ends_one_direction() -> None:
    stream = connect(Stream()).event("SOCKET_SHUTDOWN_X", tid=7, res=0, fd=3, how=1)
    assert brief(packets(close(receive(stream, b"late"))))[3:] == [("client", FIN | ACK, 0), ("server", PSH | ACK, 4)]


def test_a_parent_that_closes_what_its_child_holds_ends_nothing() -> None:
    stream = accept(Stream().thread(8, ptid=1))
    child = {"res": 0, "exe": "httpd", "args": b"", "tid": 9, "pid": 9, "ptid": 8, "cwd": "/", "flags": 0, "vtid": 9,
             "vpid": 9, "comm": "httpd"}  # fmt: skip
    stream.call("SYSCALL_CLONE_20_X", child, tid=9)
    close(stream, tid=8, fd=5)
    send(stream, b"200", tid=9, fd=5)
    close(stream, tid=9, fd=5)
    assert brief(packets(stream))[3:] == [("server", PSH | ACK, 3), ("server", FIN | ACK, 0)]


def test_the_end_of_a_process_closes_its_connections() -> None:
    stream = connect(Stream().thread(7)).event("PROCEXIT_1_E", tid=7, status=0)
    assert brief(packets(stream))[3:] == [("client", FIN | ACK, 0)]


def test_datagrams_and_ipv6() -> None:
    pair = tuple4("fe80::1", 4000, "fe80::2", 53)
    stream = connect(Stream(), pair=pair, kind=2)
    found = packets(receive(send(stream, b"query"), b"answer"))
    assert [(packet.protocol, packet.source, packet.payload) for packet in found] == [
        (17, "fe80::1:4000", b"query"),
        (17, "fe80::2:53", b"answer"),
    ]


def test_the_same_addresses_in_two_containers_are_two_conversations() -> None:
    pair = tuple4("127.0.0.1", 4000, "127.0.0.1", 80)
    stream = Stream()
    for name, cgroup in (("a", 7), ("b", 8)):
        stream.state(State.CONTAINER, id=name, name=f"name-{name}", type="docker")
        stream.state(State.CGROUP, cgroup_id=cgroup, path=f"/docker/{name}", container_id=name)
        stream.thread(cgroup, cgroup=cgroup)
        connect(stream, tid=cgroup, pair=pair)
    found = capture(stream)
    assert [packet.interface for packet in found.packets] == ["name-a"] * 3 + ["name-b"] * 3
    assert [interface[2] for interface in found.interfaces] == [b"name-a", b"name-b"]


def test_comments_tell_process_and_container() -> None:
    stream = Stream().state(State.USER, uid=5, gid=5, name="games")
    stream.state(State.CONTAINER, id="c0ffee", name="web", image="busybox:1", type="docker")
    stream.state(State.CGROUP, cgroup_id=7, path="/docker/c0ffee", container_id="c0ffee")
    stream.thread(7, cgroup=7, comm="wget\n", uid=5, vtid=2, vpid=2, args=b"-q\0\xff\0")
    found = capture(connect(stream))
    first, second = (packet.comment for packet in found.packets[:2])
    assert first == (
        "wget. (pid 7) in web, pid 2 inside, user games, docker container c0ffee, image busybox:1, "
        "command wget. -q \N{REPLACEMENT CHARACTER}"
    )
    assert second == "wget. (pid 7) in web"
    assert found.interfaces[0][3] == b"docker container c0ffee, image busybox:1"


def test_what_has_no_packets_is_counted() -> None:
    stream = Stream().thread(7)
    unix = tuple_unix(1, 2, "/run/x")
    stream.state(State.FD, tid=7, pid=7, fd=3, type=FdType.UNIX, name="/run/x", tuple=unix)
    engine = Engine()
    sink = engine.require("pcapng.sink")
    sink[b"start"]()
    engine.feed_bytes(connect(send(stream, b"x"), fd=4, pair=b"", res=-113).take())
    assert [int(count) for count in sink[b"counts"]()] == [0, 0, 1, 0, 1]


TRANSFERS = st.lists(st.tuples(st.booleans(), st.binary(max_size=100), st.integers(0, 200_000)), max_size=30)


@given(TRANSFERS, st.booleans())
def test_any_exchange_has_no_holes(transfers: list[tuple[bool, bytes, int]], is_v6: bool) -> None:
    stream = connect(Stream(), pair=tuple4("fe80::1", 4000, "fe80::2", 80) if is_v6 else PAIR)
    for is_sent, data, more in transfers:
        (send if is_sent else receive)(stream, data, size=len(data) + more)
    following: dict[str, int] = {}
    found = packets(close(stream))
    for packet in found:
        assert packet.seq == following.get(packet.source, packet.seq)
        if packet.destination in following:
            assert packet.ack == following[packet.destination]
        following[packet.source] = (packet.seq + packet.length + bool(packet.flags & (SYN | FIN))) % 2**32
    moved = sum(len(data) + more for _, data, more in transfers)
    assert sum(packet.length for packet in found) == moved


def test_section_header_holds_the_facts() -> None:
    found = read(pcapng.section_header({"application": "sysdig-py", "os": "", "comment": "filter: a=1"}))
    assert found.options == {4: b"sysdig-py", 1: b"filter: a=1"}
    assert struct.unpack_from("<I", pcapng.section_header({})) == (0x0A0D0D0A,)


def exported(path: Path, trace: Path = DEMO, text: str = "") -> pcapng.Exported:
    with path.open("wb") as file:
        return pcapng.write(Request(lambda: open_replay(trace), text), file, {"application": "sysdig-py"})


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pcapng") / "demo.pcapng"
    made = exported(path)
    assert (made.conversations, made.unix, made.other, made.failed) == (49, 0, 0, 0)
    assert made.packets == len(read(path.read_bytes()).packets)
    return path


def test_tshark_finds_nothing_wrong(demo: Path) -> None:
    assert complaints(demo) == []


def test_tshark_would_find_something_wrong(demo: Path, tmp_path: Path) -> None:
    path = tmp_path / "broken.pcapng"
    path.write_bytes(demo.read_bytes().replace(b"GET / HTTP", b"GET / HTXP", 1))
    assert any("Bad checksum" in line for line in complaints(path))


def test_tshark_finds_every_request(demo: Path) -> None:
    # counted in the trace itself: what the clients wrote
    words = ["-r", str(DEMO), "-p", "%evt.num", "container.name=client and evt.is_io_write=true and fd.sport=80"]
    command = [sys.executable, "-m", "sysdig_py", *words]
    written = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout.splitlines()
    requests = tshark(demo, "-Y", "http.request", "-T", "fields", "-e", "http.host", "-e", "frame.interface_name")
    assert len(written) == 49
    assert requests == ["172.17.0.2\tclient"] * 49
    assert len(tshark(demo, "-Y", "http.response.code == 200")) == 49


def test_tshark_reads_the_comments(demo: Path) -> None:
    comments = tshark(demo, "-T", "fields", "-e", "frame.comment")
    assert sum("image sysdig-py-test:1.0, command wget -q -O /dev/null" in comment for comment in comments) == 49
    assert all("(pid " in comment for comment in comments)


def test_a_trace_as_sysdig_writes_them_gives_the_same_conversations(demo: Path, tmp_path: Path) -> None:
    scap = tmp_path / "demo.scap"
    command = [sys.executable, "-m", "sysdig_py", "-r", str(DEMO), "-w", str(scap)]
    subprocess.run(command, check=True, cwd=ROOT, capture_output=True)
    path = tmp_path / "scap.pcapng"
    assert exported(path, scap).conversations == 49
    assert complaints(path) == []
    fields = ["-T", "fields", "-e", "ip.src", "-e", "tcp.srcport", "-e", "tcp.flags", "-e", "tcp.len"]
    assert tshark(path, *fields) == tshark(demo, *fields)


def test_a_filter_and_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "web.pcapng"
    assert exported(path, text="container.name=web").conversations == 49
    assert complaints(path) == []
    assert exported(path, text="evt.num < 0").packets == 0
    assert complaints(path) == []


def test_output_may_be_a_pipe(tmp_path: Path) -> None:
    file = io.BytesIO()
    pcapng.write(Request(lambda: open_replay(DEMO)), file, {})
    assert len(read(file.getvalue()).packets) > 250
