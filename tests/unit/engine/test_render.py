import struct

import pytest

from sysdig_py.schema.state import State
from tests.lua_probe import Probe
from tests.synthetic import Stream, sockaddr, sockaddr_unix, tuple4, tuple_unix


def arguments(stream: Stream) -> str:
    probe = Probe()
    probe.note("require('render').arguments()")
    probe.feed(stream)
    return probe.noted()[-1]


def one(event_id, **values):
    return arguments(Stream().thread(1, comm="me").event(event_id, 1, **values))


def test_plain_and_readable_forms():
    text = one("SYSCALL_OPEN_X", fd=3, name="/etc/passwd", flags=4097, mode=0o644, dev=0x801, ino=7)
    assert text == ("fd=3(<f>/etc/passwd) name=/etc/passwd flags=4097(O_RDONLY|O_CLOEXEC) mode=0644 dev=801 ino=7 ")


def test_relative_paths_are_joined_with_cwd_and_directory_fd():
    assert "name=../x(/x) " in one("SYSCALL_OPEN_X", fd=-2, name="../x")
    stream = Stream().thread(1).event("SYSCALL_OPEN_X", 1, fd=9, name="/srv", flags=1025)
    stream.event("SYSCALL_OPENAT_2_X", 1, fd=-13, dirfd=9, name="a/b")
    assert arguments(stream).startswith("fd=-13(EACCES) dirfd=9(<d>/srv) name=a/b(/srv/a/b) ")
    assert "dirfd=-100(AT_FDCWD) name=f(/home/f) " in one("SYSCALL_OPENAT_2_X", fd=-2, dirfd=-100, name="f")
    assert "dirfd=8 name=f " in one("SYSCALL_OPENAT_2_X", fd=-2, dirfd=8, name="f")


def test_results_pids_users():
    stream = Stream().state(State.USER, uid=0, gid=0, name="root", home="/root", shell="/bin/sh").thread(1)
    assert arguments(stream.event("SYSCALL_SETUID_X", 1, res=-1, uid=0)) == "res=-1(EPERM) uid=0(root) "
    assert one("SYSCALL_SETUID_X", res=0, uid=77) == "res=0 uid=77(<NA>) "
    assert one("SYSCALL_SETUID_X", res=0, uid=2**32 - 1) == "res=0 uid=-1(<NONE>) "
    stream = Stream().thread(1).thread(7, comm="other")
    stream.call("SYSCALL_KILL_X", {"res": 0, "pid": 7, "sig": 9})
    assert arguments(stream) == "res=0 pid=7(other) sig=9(SIGKILL) "


def test_addresses_and_tuples():
    assert "tuple=1.2.3.4:5->6.7.8.9:80 " in one("SOCKET_CONNECT_X", res=0, tuple=tuple4("1.2.3.4", 5, "6.7.8.9", 80))
    mapped = tuple4("::ffff:1.2.3.4", 5, "::ffff:6.7.8.9", 80)
    assert "tuple=1.2.3.4:5->6.7.8.9:80 " in one("SOCKET_CONNECT_X", res=0, tuple=mapped)
    assert "tuple=fe80::1:5->::1:80 " in one("SOCKET_CONNECT_X", res=0, tuple=tuple4("fe80::1", 5, "::1", 80))
    assert "tuple=abc->12 /run/s " in one("SOCKET_CONNECT_X", res=0, tuple=tuple_unix(0xABC, 0x12, "/run/s"))
    assert "tuple=NULL " in one("SOCKET_CONNECT_X", res=0)
    assert "tuple=family 17 " in one("SOCKET_CONNECT_X", res=0, tuple=b"\x11abc")
    assert "addr=9.8.7.6:53 " in one("SOCKET_BIND_X", res=0, addr=sockaddr("9.8.7.6", 53))
    assert "addr=/run/x " in one("SOCKET_BIND_X", res=0, addr=sockaddr_unix("/run/x"))


def test_sockets_show_their_protocol():
    stream = Stream().thread(1).event("SOCKET_SOCKET_X", 1, fd=4, domain=2, type=1, proto=6)
    stream.event("SOCKET_CONNECT_X", 1, res=0, tuple=tuple4("1.2.3.4", 5, "6.7.8.9", 80), fd=4)
    assert "fd=4(<4t>1.2.3.4:5->6.7.8.9:80) " in arguments(stream)


def test_64_bit_values_are_exact():
    text = one("SYSCALL_MMAP_X", res=0, addr=2**64 - 1, length=2**63 + 1)
    assert "addr=FFFFFFFFFFFFFFFF " in text
    assert f"length={2**63 + 1} " in text


def test_poll_lists_and_signal_sets():
    fds = struct.pack("<H", 2) + struct.pack("<qh", 3, 0x41) + struct.pack("<qh", 8, 1)
    stream = Stream().thread(1).event("SYSCALL_OPEN_X", 1, fd=3, name="/a").event("SYSCALL_POLL_X", 1, res=1, fds=fds)
    assert arguments(stream).startswith("res=1 fds=3:f41 8:?1 ")
    lying = struct.pack("<H", 900) + struct.pack("<qh", 3, 1)
    assert one("SYSCALL_POLL_X", res=1, fds=lying).startswith("res=1 fds=3:?1 ")


def test_generic_calls_show_nothing_and_control_characters_never_leave():
    assert one("GENERIC_X", ID=3) == ""
    assert "name=/a.[31m.b " in one("SYSCALL_OPEN_X", fd=-2, name="/a\x1b[31m\x7fb")


@pytest.mark.parametrize("length", [1, 7, 8, 31, 32, 33, 79, 80, 81, 300])
@pytest.mark.parametrize("where", [0, -1])
def test_texts_of_any_length_lose_their_control_characters_and_nothing_else(length, where):
    text = [chr(33 + i % 90) for i in range(length)]
    assert "name=" + "".join(text) in one("SYSCALL_OPEN_X", fd=-2, name="".join(text))
    text[where] = "\x07"
    shown = "".join(text).replace("\x07", ".")
    assert f"name={shown}" in one("SYSCALL_OPEN_X", fd=-2, name="".join(text))
    assert "name=" + "\u00e4" * length in one("SYSCALL_OPEN_X", fd=-2, name="\u00e4" * length)


@pytest.mark.parametrize("length", [1, 7, 8, 9, 77, 80, 81, 300])
def test_every_byte_of_a_buffer_is_shown_or_a_dot(length):
    probe = Probe()
    probe.lua("require('render.buffer').set_capped(false)")
    probe.note("require('render').argument(1)")
    for start in range(0, 256, 17):
        data = bytes((start + i) % 256 for i in range(length))
        probe.feed(Stream().call("SYSCALL_READ_X", {**READ, "data": data}))
        assert probe.noted() == ["".join(chr(b) if 32 <= b <= 126 else "." for b in data)]


def test_lengths_of_large_events_and_those_that_lie():
    stream = Stream().thread(1)
    stream.call("SYSCALL_READ_X", {**READ, "data": b"x" * 70_000})
    probe = Probe()
    probe.lua("require('render.buffer').set_capped(false)")
    probe.note("require('render').arguments()")
    probe.feed(stream)
    assert probe.noted() == ["res=5 data=" + "x" * 70_000 + " fd=3 size=5 "]
    damaged = bytearray(Stream().call("SYSCALL_READ_X", {**READ, "data": b"hello"}).take())
    damaged[58 + 2 : 58 + 4] = b"\xff\x7f"  # the length of data, which now ends far behind the record
    probe.engine.feed_bytes(bytes(damaged))
    assert probe.noted() == ["res=5 data= fd= size= "]


READ = {"res": 5, "fd": 3, "size": 5}


@pytest.mark.parametrize(
    ("mode", "data", "expected"),
    [
        ("normal", b"a\0\xff\n~", "a...~"),
        ("ascii", b"a\r\n\0b\t", "\na\nb"),
        ("base64", b"hello", "aGVsbG8="),
        ("base64", b"\xff\xfe", "//4="),
        ("hex", b"0123456789abcdefX", "\n\t0x0000: 3031 3233 3435 3637 3839 6162 6364 6566\n\t0x0010: 58\n"),
        ("hexascii", b"hi\x00", "\n\t0x0000: 6869 00" + " " * 32 + "hi.\n"),
    ],
)
def test_buffer_forms(mode, data, expected):
    probe = Probe()
    probe.lua(f"require('render.buffer').set_mode('{mode}')")
    probe.lua("""
        local render, out = require("render"), require("out")
        require("walk").add_sink{ on_event = function() out.write(render.argument(1)) end }""")
    probe.feed(Stream().call("SYSCALL_READ_X", {**READ, "data": data}))
    assert probe.engine.take_output().decode() == expected


def test_long_buffers_are_cut_unless_shown_whole():
    probe = Probe()
    probe.note("require('render').argument(1)")
    probe.feed(Stream().call("SYSCALL_READ_X", {**READ, "data": b"x" * 81}))
    probe.feed(Stream().call("SYSCALL_READ_X", {**READ, "data": b"x" * 80}))
    probe.lua("require('render.buffer').set_capped(false)")
    probe.feed(Stream().call("SYSCALL_READ_X", {**READ, "data": b"x" * 81}))
    assert probe.noted() == ["x" * 77 + "...", "x" * 80, "x" * 81]


def test_flags_are_walked_in_table_order():
    names = Probe().lua("""
        local render, rows = require("render"), require("schema_data").flags.file_flags
        local out = {}
        for _, value in ipairs({ 0, 3, 7, 4097, 65536 }) do out[#out + 1] = render.flag_names(rows, value) end
        return table.concat(out, " ")""")
    assert names == b"O_NONE O_RDWR O_CREAT|O_RDWR O_RDONLY|O_CLOEXEC FD_LOWER_LAYER"
