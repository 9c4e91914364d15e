import struct

import pytest

from sysdig_py.schema.record import pack_record
from tests.lua_probe import Probe
from tests.synthetic import START, Stream, sockaddr, sockaddr_unix, tuple4, tuple_unix


def shown(stream, expression):
    probe = Probe()
    probe.lua("require('walk').add_sink{ on_event = function() end }")
    probe.feed(stream)
    return probe.value(expression)


def test_numbers_follow_type_and_stored_length():
    stream = Stream().event("SYSCALL_LSEEK_X", 5, res=-9, fd=-1, offset=2**40, whence=2)
    assert shown(stream, "decode.num(0)") == -9
    assert shown(Stream().event("SYSCALL_LSEEK_X", 5, res=-9, offset=2**40, whence=2), "decode.num(2)") == 2**40
    assert shown(Stream().event("SYSCALL_LSEEK_X", 5, res=-9, whence=255), "decode.num(3)") == 255
    short = Stream().event("SYSCALL_LSEEK_X", 5, res=struct.pack("<i", -2))
    assert shown(short, "decode.num(0)") == -2
    assert shown(Stream().event("SYSCALL_SETUID_X", 5, res=0, uid=2**32 - 1), "decode.num(1)") == 2**32 - 1


def test_all_64_bits():
    stream = Stream().event("SYSCALL_MMAP_X", 5, res=0, addr=2**64 - 1)
    assert shown(stream, "tostring(decode.u64(4))") == b"18446744073709551615ULL"
    stream = Stream().event("SYSCALL_READ_X", 5, res=-11)
    assert shown(stream, "bit.tohex(decode.u64(0), -16)") == b"FFFFFFFFFFFFFFF5"


def test_absent_parameters_are_nil():
    stream = Stream().event("SYSCALL_READ_X", 5, res=0, fd=3)
    assert shown(stream, "decode.num(3) == nil and decode.str(1) == nil and decode.bytes(99) == nil")
    assert shown(Stream().event("SYSCALL_READ_X", 5), "decode.nparams()") == 4


def test_text_stops_at_nul_and_bytes_do_not():
    stream = Stream().call("SYSCALL_WRITE_X", {"res": 3, "data": b"a\0b"})
    assert shown(stream, "decode.str(1)") == b"a"
    stream = Stream().call("SYSCALL_WRITE_X", {"res": 3, "data": b"a\0b"})
    assert shown(stream, "decode.bytes(1)") == b"a\0b"
    stream = Stream().call("SYSCALL_EXECVE_19_X", {"res": 0, "args": b"a\0b\0"})
    assert shown(stream, "decode.list(2)") == b"a\0b"


def test_text_without_nul_ends_with_its_length():
    stream = Stream().event("SYSCALL_OPEN_X", 5, fd=3, name=b"/tmp/xy")
    assert shown(stream, "decode.str(1)") == b"/tmp/xy"


@pytest.mark.parametrize("pair", [("1.2.3.4", "5.6.7.8"), ("fe80::1", "2001:db8::2")])
def test_tuples(pair):
    data = tuple4(pair[0], 1000, pair[1], 80)
    size = 4 if "." in pair[0] else 16
    values = shown(Stream().event("SOCKET_CONNECT_X", 5, res=0, tuple=data, fd=3), "decode.tuple(1)")
    assert values == ((2 if size == 4 else 10), data[1 : 1 + size], 1000, data[3 + size : 3 + 2 * size], 80)


def test_unix_tuples_and_addresses():
    stream = Stream().event("SOCKET_CONNECT_X", 5, res=0, tuple=tuple_unix(0xABC, 0x12, "/run/s"), fd=3)
    assert shown(stream, "decode.tuple(1)") == (1, b"/run/s")
    stream = Stream().event("SOCKET_CONNECT_X", 5, res=0, tuple=tuple_unix(0xABC, 0x12, "/run/s"), fd=3)
    assert shown(stream, "decode.unix(1)") == (struct.pack("<Q", 0xABC), struct.pack("<Q", 0x12), b"/run/s")
    stream = Stream().event("SOCKET_BIND_X", 5, res=0, addr=sockaddr_unix("/run/x"), fd=3)
    assert shown(stream, "decode.sockaddr(1)") == (1, b"/run/x")
    stream = Stream().event("SOCKET_BIND_X", 5, res=0, addr=sockaddr("9.8.7.6", 53), fd=3)
    assert shown(stream, "decode.sockaddr(1)") == (2, bytes([9, 8, 7, 6]), 53)


def test_a_short_tuple_gives_its_family_only():
    stream = Stream().event("SOCKET_CONNECT_X", 5, res=0, tuple=b"\x02\x01\x02", fd=3)
    assert shown(stream, "select('#', decode.tuple(1))") == 1


def test_parameters_longer_than_u16():
    stream = Stream().event("SYSCALL_WRITE_X", 5, res=5, data=b"z" * 70000, fd=7, size=70000)
    assert shown(stream, "#decode.bytes(1)") == 70000
    stream = Stream().event("SYSCALL_WRITE_X", 5, res=5, data=b"z" * 70000, fd=7, size=70000)
    assert shown(stream, "ev.fdnum") == 7


def test_lengths_beyond_the_record_give_nil():
    record = bytearray(pack_record(9, [struct.pack("<q", 1), b"abc"], ts=START, tid=5))
    struct.pack_into("<H", record, 60, 60000)
    probe = Probe()
    probe.engine.feed_bytes(bytes(record))
    assert probe.value("decode.bytes(1) == nil and decode.num(0) == 1")


def test_dynamic_parameters_choose_their_variant():
    value = b"\x02" + struct.pack("<I", 4_000_000_000)
    stream = Stream().event("SOCKET_SETSOCKOPT_X", 5, res=0, fd=3, val=value)
    assert shown(stream, "decode.num(4)") == 4_000_000_000
    value = b"\x01" + struct.pack("<q", -5)
    assert shown(Stream().event("SOCKET_SETSOCKOPT_X", 5, res=0, fd=3, val=value), "decode.num(4)") == -5
    assert shown(Stream().event("SOCKET_SETSOCKOPT_X", 5, res=0, fd=3, val=b"\x63ab"), "decode.num(4) == nil")


def test_time_is_exact():
    stream = Stream(ts=START + 123_456_788, step=1).event("SYSCALL_READ_X", 5, res=1)
    assert shown(stream, "ev.time()") == (START // 10**9, 123_456_789)


def test_the_last_event_outlives_its_memory():
    probe = Probe()
    probe.feed(Stream().event("SYSCALL_WRITE_X", 5, res=5, data=b"first", fd=3))
    probe.feed(Stream().thread(9))
    for _ in range(20):
        bytes(4096)
    assert probe.value("decode.bytes(1)") == b"first"
    assert probe.value("ev.started() and ev.info.name") == b"write"
