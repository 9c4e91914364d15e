import struct

import pytest

from sysdig_py.engine.vm import Engine
from sysdig_py.schema.state import FdType
from sysdig_py.trace.scap import state_blocks
from sysdig_py.trace.scap.cursor import LayoutError
from tests import scap
from tests.lua_probe import Probe


def told(kind: int, payload: bytes) -> Probe:
    """Feed the records of a block to an engine for such streams."""
    probe = Probe(Engine(dialect="0293"))
    probe.engine.feed_bytes(b"".join(state_blocks.records(kind, memoryview(payload))))
    return probe


def payload(block: bytes) -> bytes:
    return block[8:-4]


def old_process(version: int, tid: int) -> bytes:
    """One process as the given version of the list has it."""
    body = struct.pack("<qqq", tid, tid, 1)
    body += struct.pack("<q", 5) if version >= 6 else b""
    body += struct.pack("<q", 6) if version >= 8 else b""
    body += scap.text("old") + scap.text("/bin/old")
    body += scap.text("/usr/bin/old") if version >= 7 else b""
    body += scap.text(b"a\0b\0") + scap.text("/var") + struct.pack("<qIII", 64, 0, 7, 8)
    body += struct.pack("<IIIQQ", 10, 20, 30, 4, 5) if version >= 2 else b""
    body += scap.text(b"E=1\0") if version >= 3 else b""
    body += struct.pack("<qq", 2, 3) + scap.text(b"cpu=/x\0") if version >= 4 else b""
    return body + (scap.text("/root") if version >= 5 else b"")


VERSIONS = {1: 0x202, 2: 0x207, 3: 0x8014ABCD, 4: 0x210, 5: 0x211, 6: 0x212, 7: 0x213, 8: 0x214}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_of_a_process_list(version: int):
    probe = told(VERSIONS[version], old_process(version, 70) + old_process(version, 71))
    for tid in (70, 71):
        assert [probe.thread(tid, f) for f in ("comm", "exe", "cwd", "uid", "fdlimit")] == [
            b"old", b"/bin/old", b"/var/", 7, 64,
        ]  # fmt: skip
        assert probe.thread(tid, "sid") == (5 if version >= 6 else -1)
        assert probe.thread(tid, "vpgid") == (6 if version >= 8 else -1)
        assert probe.thread(tid, "exepath") == (b"/usr/bin/old" if version >= 7 else b"")
        assert probe.thread(tid, "vmrss") == (20 if version >= 2 else 0)
        assert probe.thread(tid, "env") == (b"E=1" if version >= 3 else b"")
        assert probe.thread(tid, "vpid") == (3 if version >= 4 else -1)


@pytest.mark.parametrize(
    ("tail", "tty", "loginuid"),
    [
        (b"", 0, 0xFFFFFFFF),
        (struct.pack("<IB", 501, 1), 0, 501),
        (struct.pack("<QIIB", 99, 34816, 502, 1) + bytes(40), 34816, 502),
    ],
)
def test_the_tail_of_a_process_grew_with_its_writers(tail: bytes, tty: int, loginuid: int):
    probe = told(0x215, scap.process(5, tail=tail) + scap.process(6))
    assert (probe.thread(5, "tty"), probe.thread(5, "loginuid")) == (tty, loginuid)
    assert probe.thread(5, "exe_writable") is (True if tail else None)
    assert probe.thread(6, "comm") == b"comm"


def test_the_newest_tail_tells_of_the_program_and_the_rights():
    tail = struct.pack("<QIIB", 99, 0, 0, 1) + struct.pack("<QQQBQQQBBq", 1, 2, 3, 1, 77, 88, 89, 0, 1, 555)
    probe = told(0x215, scap.process(5, tail=tail))
    facts = {name: probe.value(f"tonumber(threads.get(5).{name})") for name in ("exe_ino", "exe_ctime", "exe_mtime",
             "cap_inheritable", "cap_permitted", "cap_effective", "pidns_start", "pgid")}  # fmt: skip
    assert list(facts.values()) == [77, 88, 89, 1, 2, 3, 99, 555]
    flags = [probe.thread(5, f"exe_{name}") for name in ("writable", "upper_layer", "from_memfd", "lower_layer")]
    assert flags == [True, True, False, True]


def test_fds_of_all_kinds():
    tuple4 = bytes([10, 0, 0, 1, 10, 0, 0, 2]) + struct.pack("<HHB", 1000, 80, 2)
    entries = [
        scap.fd(3, 16, scap.u32(1) + scap.text("/etc/x") + scap.u32(9)),
        scap.fd(4, FdType.IPV4, tuple4),
        scap.fd(5, FdType.IPV4_LISTENER, bytes([0, 0, 0, 0]) + struct.pack("<HB", 80, 2)),
        scap.fd(6, FdType.UNIX, bytes(16) + scap.text("/run/s")),
        scap.fd(7, FdType.PIPE, scap.text("pipe:[1]")),
        scap.fd(8, 99, b"whatever"),
        scap.fd(9, 0, b""),
    ]
    probe = told(0x218, struct.pack("<q", 5) + b"".join(entries))
    names = [probe.fd(5, number) for number in range(3, 10)]
    assert names == [
        b"/etc/x", b"10.0.0.1:1000->10.0.0.2:80", b"0.0.0.0:80", b"/run/s", b"pipe:[1]", b"unknown-type:[99]", b"",
    ]  # fmt: skip
    assert (probe.fd(5, 3, "dev"), probe.fd(5, 6, "role"), probe.fd(5, 4, "l4")) == (9, b"server", b"tcp")


def test_interfaces_and_users():
    lo = scap.interface("lo", bytes([127, 0, 0, 1]), bytes([255, 0, 0, 0]))
    assert told(0x219, lo).value("require('state.interfaces').list[1].name") == b"lo"
    old = struct.pack("<HH", 3, 2) + bytes(12) + b"lo"
    assert told(0x205, old + bytes(2)).value("#require('state.interfaces').list") == 1
    probe = told(0x220, scap.user(7, "joe") + struct.pack("<IBI", 14, 1, 8) + scap.text("grp"))
    assert probe.value("require('state.users').by_uid[7].name") == b"joe"
    assert probe.value("require('state.users').by_gid[8].name") == b"grp"


@pytest.mark.parametrize("kind", [0x202, 0x215, 0x218, 0x203, 0x219, 0x205, 0x220, 0x206])
def test_garbage_is_an_error_and_nothing_else(kind: int):
    with pytest.raises(LayoutError):
        list(state_blocks.records(kind, memoryview(b"\xff" * 50)))


def test_interfaces_end_where_they_end():
    entries = scap.interface("lo", bytes(4), bytes(4)) + scap.interface("eth0x", bytes(4), bytes(4))
    end = -(-len(entries) // 4) * 4
    assert state_blocks.interfaces_end(memoryview(entries + bytes(40))) == end
    assert state_blocks.interfaces_end(memoryview(bytes(40))) is None


def test_machine_facts():
    assert state_blocks.machine(memoryview(payload(scap.machine()))) == {
        "num_cpus": 2, "memory_size_bytes": 1 << 30, "max_pid": 4096, "hostname": "box",
    }  # fmt: skip


def test_a_machine_with_impossible_numbers_is_no_trouble():
    facts = state_blocks.machine(memoryview(struct.pack("<IQQ128s4Q", 1, 2**64 - 1, 2**63, b"x", 2**64 - 1, 0, 0, 0)))
    Engine(facts, dialect="0293")
    assert facts["memory_size_bytes"] == 2**63 - 1
