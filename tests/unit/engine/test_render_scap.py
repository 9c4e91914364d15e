"""Values of .scap files are shown the way sysdig shows them."""

import struct

import pytest

from sysdig_py.engine.vm import Engine
from tests.lua_probe import Probe
from tests.synthetic import Stream, tuple4, tuple_unix

READ_E = {"fd": 3, "size": 5}


def scap() -> Probe:
    return Probe(Engine(dialect="0293"))


def line(stream: Stream, format_text: str = "*%evt.info", probe: Probe | None = None) -> str:
    """Line of the last event."""
    probe = probe or scap()
    probe.engine.print_lines(format_text)
    probe.feed(stream)
    return probe.engine.take_output().decode(errors="surrogateescape").rsplit("\n", 2)[-2]


def test_integers_are_signed_and_texts_raw():
    assert line(Stream().thread(1).event("SYSCALL_READ_E", 1, fd=-1, size=2**32 - 1)) == "fd=-1(EPERM) size=-1 "
    stream = Stream().thread(1).event("SYSCALL_GETCWD_X", 1, res=0, path="a\x01\x7f")
    assert line(stream) == "res=0 path=a\x01\x7f "


def test_paths_leave_out_what_cannot_be_shown_and_resolve():
    stream = Stream().thread(1, cwd="/home/u/").event("SYSCALL_STAT_X", 1, res=0, path="x\x01y")
    assert line(stream) == "res=0 path=xy(/home/u/x.y) "
    assert line(Stream().thread(1, cwd="/home/u/").event("SYSCALL_STAT_X", 1, res=0, path="")) == (
        "res=0 path=(/home/u) "
    )


def test_parameters_that_came_later_are_not_shown():
    stream = Stream().thread(1).event("SYSCALL_READ_X", 1, res=2, data=b"ab", fd=3, size=5)
    assert line(stream) == "res=2 data=ab "


def test_tuples():
    mapped, plain = "::ffff:1.2.3.4", "2001:db8::1"
    both = Stream().thread(1).event("SOCKET_RECVFROM_X", 1, res=0, data=b"", tuple=tuple4(mapped, 1, mapped, 2))
    assert line(both).endswith("tuple=1.2.3.4:1->1.2.3.4:2 ")
    one = Stream().thread(1).event("SOCKET_RECVFROM_X", 1, res=0, data=b"", tuple=tuple4(mapped, 1, plain, 2))
    assert line(one).endswith("tuple=::ffff:1.2.3.4:1->2001:db8::1:2 ")
    unix = Stream().thread(1).event("SOCKET_RECVFROM_X", 1, res=0, data=b"", tuple=tuple_unix(0xAB, 5, ""))
    assert line(unix).endswith("tuple=ab->5  ")


def test_poll_lists_keep_numbers_that_are_no_descriptors():
    fds = struct.pack("<H", 2) + struct.pack("<qh", 99, 0x4F) + struct.pack("<qh", -1, 1)
    stream = Stream().thread(1).event("SYSCALL_POLL_X", 1, res=1, fds=fds)
    assert line(stream) == "res=1 fds=99:?4f 18446744073709551615:?1 "


@pytest.mark.parametrize(("data", "expected"), [
    (b"a\r\nb", "\na\nb"), (b"\nx", "\nx"), (b"a\rb\x00", "\na\nb"), (b"", ""),
])  # fmt: skip
def test_ascii_keeps_line_ends(data, expected):
    probe = scap()
    probe.lua("require('render.buffer').set_mode('ascii')")
    probe.engine.print_lines("*%evt.buffer|")
    probe.feed(Stream().thread(1).event("SYSCALL_READ_X", 1, res=1, data=data))
    assert probe.engine.take_output().decode() == expected + "|\n"


def test_json_has_whole_buffers():
    probe = scap()
    probe.lua("require('format').set_json(true) require('render.buffer').set_capped(true)")
    stream = Stream().thread(1).event("SYSCALL_READ_X", 1, res=100, data=b"x" * 100)
    assert line(stream, "%evt.buffer", probe) == '{"evt.buffer":"' + "x" * 100 + '"}'


def test_fields_as_sysdig_shows_them():
    stream = Stream().thread(1, exe="sh", comm="sh", cgroups=b"io=/a\0perf=/b\0", fdlimit=1024)
    stream.event("SYSCALL_READ_E", 1, **READ_E).event("SYSCALL_READ_X", 1, res=-5, data=b"")
    names = "[%proc.exeline] %evt.latency.ns %proc.fdusage %thread.cgroups %evt.count.error.other %evt.buflen"
    assert line(stream, "*" + names) == "[sh ] 000001000 0.0 blkio=/a perf_event=/b 1 <NA>"


def test_absolute_paths_of_calls_relative_to_a_descriptor():
    stream = Stream().thread(1, cwd="/home/")
    stream.event("SYSCALL_RENAMEAT_X", 1, res=0, olddirfd=-100, oldpath="a", newdirfd=77, newpath="b")
    assert line(stream, "*%evt.abspath %evt.abspath.src %evt.abspath.dst") == "/home/a /home/a <NA>"
    plain = Stream().thread(1, cwd="/home/").event("SYSCALL_STAT_X", 1, res=0, path="x")
    assert line(plain, "*%evt.abspath") == "<NA>"
