"""Live events as columns, tables and packets, of traffic that the test makes itself on loopback."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import sysdig_py
from sysdig_py.capture.live import LiveCapture, LiveOptions
from sysdig_py.export import pcapng
from sysdig_py.export.passes import Request
from sysdig_py.export.sql import Database
from tests.pcapng import complaints, tshark

SIZE = 70000
# waits for a line, then makes three requests in one connection, to itself
SCRIPT = f"""
import sys, threading
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "{SIZE}")
        self.end_headers()
        self.wfile.write(b"x" * {SIZE})

    def log_message(self, *_):
        pass

server = HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
sys.stdin.readline()
threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
connection = HTTPConnection("127.0.0.1", server.server_port)
for number in range(3):
    connection.request("GET", f"/{{number}}")
    assert len(connection.getresponse().read()) == {SIZE}
connection.close()
server.shutdown()
"""


class Traffic:
    """A process that talks HTTP to itself, once somebody captures."""

    def __init__(self) -> None:
        command = [sys.executable, "-I", "-S", "-c", SCRIPT]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        self.port = int(self.process.stdout.readline())
        self.filter = f"proc.pid = {self.process.pid}"
        self._began = False

    def done(self) -> bool:
        """Begin with the first call: the capture runs. Whether it is over."""
        if not self._began:
            assert self.process.stdin
            self.process.stdin.write("\n")
            self.process.stdin.flush()
            self._began = True
        return self.process.poll() is not None


@pytest.fixture
def traffic() -> Iterator[Traffic]:
    made = Traffic()
    yield made
    made.done()
    made.process.communicate(timeout=20)
    assert made.process.returncode == 0


def live(text: str) -> Request:
    return Request(lambda: LiveCapture(LiveOptions(drop_rights=False, max_seconds=20, snaplen=200)), text)


def test_http_on_loopback_is_one_conversation_in_tshark(traffic, tmp_path: Path) -> None:
    path = tmp_path / "live.pcapng"
    with path.open("wb") as file:
        made = pcapng.write(live(traffic.filter), file, {}, traffic.done)
    assert made.conversations == 1
    assert complaints(path) == []
    assert tshark(path, "-Y", "http.request", "-T", "fields", "-e", "http.request.uri") == ["/0", "/1", "/2"]
    flags = tshark(path, "-T", "fields", "-e", "tcp.flags.str")
    assert flags[0].strip("·") == "S"
    assert any("F" in flag for flag in flags)
    lengths = tshark(path, "-Y", f"tcp.srcport == {traffic.port}", "-T", "fields", "-e", "tcp.len")
    assert sum(map(int, lengths)) > 3 * SIZE
    assert all(
        f"(pid {traffic.process.pid}) in" in comment for comment in tshark(path, "-T", "fields", "-e", "frame.comment")
    )


def test_state_and_flows_of_a_live_capture(traffic) -> None:
    sql = "SELECT client_pid, server_pid, requests, received FROM flows WHERE server_port = "
    with Database(f"{sql}{traffic.port}") as database:
        database.fill(live(traffic.filter), traffic.done)
        ((client, server, requests, received),) = database.ask()
    assert (int(client), int(server), int(requests)) == (traffic.process.pid, traffic.process.pid, 3)
    assert int(received) > 3 * SIZE


def test_this_process_is_among_the_threads() -> None:
    with Database(f"SELECT name, is_main FROM threads WHERE tid = {os.getpid()}") as database:
        database.fill(live(""), lambda: True)
        assert list(database.ask()) == [(Path("/proc/self/comm").read_text().strip(), "true")]


def test_live_events_in_python_end_after_their_number(traffic) -> None:
    with sysdig_py.live(events=20, seconds=20) as machine:
        selection = machine.filter(traffic.filter).select("evt.rawtime", "proc.pid", "evt.type")
        batches = list(selection.batches(stopped=lambda: traffic.done() and False))
    rows = [row for batch in batches for row in batch.to_pylist()]
    assert len(rows) == 20
    assert {row["proc.pid"] for row in rows} == {traffic.process.pid}
    assert abs(rows[0]["evt.rawtime"].value / 1e9 - time.time()) < 30


def test_leaving_the_block_ends_a_capture_that_still_runs() -> None:
    before = len(_bpf_objects())  # of the session's probe, when another test has opened it
    with sysdig_py.live(seconds=30) as machine:
        batches = machine.select("evt.num").batches(rows=1)
        assert next(batches).num_rows > 0
        assert len(_bpf_objects()) > before
    assert len(_bpf_objects()) == before


def _bpf_objects() -> list[str]:
    names = [os.readlink(path) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]  # noqa: PTH115
    return [name for name in names if "bpf" in name]
