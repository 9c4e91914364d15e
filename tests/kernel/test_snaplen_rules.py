"""How much of the data is kept, by rules that the kernel judges: whole requests and nothing of bulk files at once."""

import os
import socket
import subprocess
import sys

import pytest
import walker
from conftest import REQUIRED

from sysdig_py.capture.cgroups import detect
from sysdig_py.capture.demand import Demand
from sysdig_py.capture.live import LiveOptions, Probe
from sysdig_py.capture.pushdown import push_down
from sysdig_py.capture.snaplen_rules import parse
from sysdig_py.errors import EnvironmentLack, RightsError

pytestmark = pytest.mark.kernel

SCRIPT = """
import os, socket, sys, tempfile
head = b"GET /" + b"a" * 2990 + b" HTTP/1.1\\r\\n\\r\\n"
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
client = socket.create_connection(server.getsockname())
peer, _ = server.accept()
client.sendall(head)
while len(head) > 0: head = head[len(os.read(peer.fileno(), 4000)):]
os.writev(peer.fileno(), [b"b" * 1000, b"c" * 1000]); client.recv(3000)
left, right = socket.socketpair(); left.send(b"u" * 500); right.recv(500)
read, write = os.pipe(); os.write(write, b"p" * 500); os.read(read, 500)
with open("/usr/bin/env", "rb", buffering=0) as f: f.read(70000); f.read(100)
with tempfile.TemporaryFile(buffering=0) as f: f.write(b"w" * 65535); f.write(b"v" * 65536)
"""


def captured(*rules, snaplen=80):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = LiveOptions(
        snaplen=snaplen,
        snaplen_rules=tuple(parse(rule.replace("PORT", str(port))) for rule in rules),
        ring_bytes=64 << 20,
    )
    pushdown = push_down(Demand(), os.uname().machine, options.snaplen_rules, options.data_bytes)
    try:
        probe = Probe(options, detect(), pushdown)
    except (RightsError, EnvironmentLack) as error:
        if REQUIRED:
            raise
        pytest.skip(str(error))
    try:
        probe.attach()
        child = subprocess.Popen([sys.executable, "-I", "-S", "-c", SCRIPT, str(port)])
        assert child.wait() == 0
        return [r for r in walker.read_all(probe.ring) if r.pid == child.pid]
    finally:
        probe.close()


def lengths(records, start):
    """Return how much was kept of each transfer whose data starts like this, by event and result."""
    return {(r.name, r["res"]): len(r["data"]) for r in records if r.params.get("data", b"").startswith(start)}


def test_requests_are_whole_and_files_are_not_kept_in_one_capture():
    records = captured("fd.sport in (PORT, 8080)=4096", "fd.type=file=0")
    assert lengths(records, b"GET /") == {("sendto", 3008): 3008, ("read", 3008): 3008}
    assert lengths(records, b"bbb") == {("writev", 2000): 2000, ("recvfrom", 2000): 2000}
    assert lengths(records, b"uuu") == {("sendto", 500): 80, ("recvfrom", 500): 80}
    assert lengths(records, b"ppp") == {("write", 500): 80, ("read", 500): 80}
    assert not lengths(records, b"\x7fELF") and not lengths(records, b"www")
    assert {len(r["data"]) for r in records if r.name == "read" and (r["res"] or 0) > 4096} == {0}


def test_whole_buffers_of_nearly_64_kib():
    records = captured("evt.is_io_write=true=65535", snaplen=10)
    assert lengths(records, b"www") == {("write", 65535): 65535}
    assert lengths(records, b"vvv") == {("write", 65536): 65535}
    assert set(lengths(records, b"\x7fELF").values()) == {10}


def test_rules_by_who_and_by_kind():
    by_name = captured("proc.name startswith nobody=1", "fd.type=unix and proc.name startswith py=7", "fd.type=pipe=9")
    assert lengths(by_name, b"uuu") == {("sendto", 500): 7, ("recvfrom", 500): 7}
    assert lengths(by_name, b"ppp") == {("write", 500): 9, ("read", 500): 9}
    assert lengths(by_name, b"GET") == {("sendto", 3008): 80, ("read", 3008): 80}
