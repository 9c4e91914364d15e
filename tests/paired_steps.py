"""Traces made of enter and exit events of a few kinds, played with and without lanes."""

import struct
from contextlib import closing
from pathlib import Path

from sysdig_py import filter as event_filter
from sysdig_py.capture.traces import open_replay
from sysdig_py.engine.vm import Engine
from tests import scap
from tests.lua_probe import Probe
from tests.scap import i64, string, u8, u32

STATE = (
    scap.processes(*(scap.process(tid, comm=f"p{tid}") for tid in (10, 11, 8202))),
    scap.fds(
        10,
        scap.fd(3, 16, u32(1) + scap.text("/etc/x") + u32(9)),
        scap.fd(4, 16, u32(1) + scap.text("/dev/null") + u32(9)),
        scap.fd(5, 3, bytes([10, 0, 0, 1, 10, 0, 0, 2]) + struct.pack("<HHB", 5000, 80, 1)),
        scap.fd(6, 0, b""),
    ),
)
NOTE = (
    "ev.num .. ' ' .. ev.type .. ' ' .. tostring(ev.fdnum) .. ' ' .. tostring(ev.fd and ev.fd.name) .. ' '"
    " .. tostring(ev.latency) .. ' ' .. tostring(ev.valid) .. ' ' .. tostring(ev.thread.comm) .. ' '"
    " .. tostring(ev.thread.vmsize)"
)
NULL = 1000  # added to a code: the same on /dev/null, where a write announces a span
U16 = (b"\x3f\x00", b"\x00\x00")
# code -> parameters: calls with fds and without, state changes, generic calls, switches, procinfo
EVENTS = {
    0: U16, 1: U16, 2: (string("/a"), u32(1), u32(0)), 3: (i64(5), string("/a"), u32(1), u32(0), u32(0)),
    4: (i64(3),), 5: (i64(0),), 6: (i64(3), u32(1)), 7: (i64(1), b"a"), 8: (i64(5), u32(1)), 9: (i64(1), b"a"),
    64: (i64(1), b"\x00\x00", i64(2)), 65: (i64(0),), 70: (i64(3),), 71: (i64(0),), 160: (i64(0),) * 2,
    161: (i64(0), u32(7), u32(8), u32(9)), 152: (i64(9), i64(1), i64(2), u32(3), u32(4), u32(5)),
    234: (i64(1), i64(2)), 232: (i64(1), i64(2), u8(9)), 186: (i64(0), i64(0), u8(0), u8(0)),
    158: (i64(0),), 159: (i64(0), u32(17), u32(18), u32(19)),
    NULL + 4: (i64(4),), NULL + 5: (i64(-9),), NULL + 8: (i64(4), u32(1)), NULL + 9: (i64(7), b">:1:a::"),
}  # fmt: skip
FILTERS = (
    "", "evt.type=open", "evt.type=read and fd.num>=0", "evt.type in (open,close) or evt.type=futex",
    "not evt.type=switch", "evt.is_io=true and fd.name contains etc", "evt.type=getpid",
    "evt.dir=< and not evt.is_io=true", "evt.deltatime>1500 and evt.type=read", "evt.type=creat", "fd.type=file",
    "not fd.type=file", "evt.is_io=true and evt.buflen>0 and (fd.sockfamily=ip or fd.sockfamily=unix)",
    "fd.type=ipv4 or evt.rawres>=0", "evt.failed=false and evt.is_io=true", "fd.type exists or evt.type=close",
)  # fmt: skip


# reads and writes of other fds: /dev/null (one that announces a span), a socket, one of no known type, none at all
IO = {
    **{(code, fd): (i64(fd), u32(1)) for code in (6, 8) for fd in (3, 4, 5, 6, 9)},
    (7, 0): EVENTS[7], (9, 0): EVENTS[9], (9, 1): (i64(8), b">:5:ab::"), (7, 1): (i64(-11), b""),
}  # fmt: skip
EVENTS.update({code * 1000 + number: params for (code, number), params in IO.items()})


def trace(steps: list[tuple[int, int, bool]]) -> bytes:
    made = scap.Trace(*STATE)
    for key, tid, old in steps:
        code = key // 1000 if key >= 2 * NULL else key % NULL
        (made.old_event if old and code not in (0, 1) else made.event)(code, *EVENTS[key], tid=tid)
    return made.data


def play(
    path: Path, text: str, *, lanes: bool, sink: str = "", setup: str = "", after: str = ""
) -> tuple[list[str], dict[str, int], bytes]:
    with closing(open_replay(path)) as source:
        probe = Probe(Engine(dialect=source.dialect))
        summary = probe.engine.require("summary")
        summary[b"start"]()
        compiled = event_filter.compile(text).lua_source if text else ""
        if sink:
            probe.note(NOTE)
            probe.engine.set_filter(compiled)
        if setup:
            probe.lua(setup)
        source.start(probe.engine)
        if lanes:
            # otherwise only a long span makes them
            probe.lua("require('scap.lanes').ready()")
        while source.pump(probe.engine):
            pass
        probe.lua(after)
        return probe.noted() if sink or setup else [], probe.engine.stats(), bytes(summary[b"text"]())
