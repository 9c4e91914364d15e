from sysdig_py.engine.vm import Status
from sysdig_py.schema.record import pack_record
from sysdig_py.schema.state import State
from tests.lua_probe import Probe
from tests.synthetic import START, Stream, reads_and_writes

STATE_ONLY = 1


def test_what_sinks_find_in_ev():
    probe = Probe()
    probe.note("table.concat({ ev.num, ev.type, tostring(ev.is_exit), ev.tid, ev.pid, ev.cpu, ev.cgroup, ev.rel, "
               "ev.latency, ev.fdnum, ev.res, ev.name }, ' ')")  # fmt: skip
    stream = Stream(step=10).event("SYSCALL_WRITE_X", 7, pid=6, res=-11, fd=3, size=1, cgroup=9, cpu=2, latency=55)
    probe.feed(stream.event("SYSCALL_READ_X", 7, pid=6, res=4, fd=3, size=1))
    assert probe.noted() == ["1 9 true 7 6 2 9 0 55 3 -11 write", "2 7 true 7 6 0 9 10 0 3 4 read"]


def test_optional_fields_are_nil():
    probe = Probe()
    probe.note("tostring(ev.fdnum) .. tostring(ev.fd) .. tostring(ev.container) .. tostring(ev.res)")
    probe.feed(Stream().event("SYSCALL_WRITE_X", 5, res=1, fd=3).event("PROCEXIT_1_E", 5))
    assert probe.noted() == ["3nilnil1", "nilnilnilnil"]


def test_a_generic_event_has_the_name_of_its_call():
    from sysdig_py.schema.events import syscall_names

    probe = Probe()
    probe.note("ev.name")
    probe.feed(Stream().event("GENERIC_X", 5, ID=syscall_names().index("sched_yield")).event("GENERIC_X", 5))
    assert probe.noted() == ["sched_yield", "syscall"]


def test_the_capture_filter_comes_after_state_changes():
    probe = Probe()
    probe.note("ev.num .. ev.name")
    probe.filter("ev.name == 'read'")
    probe.feed(Stream().event("SYSCALL_OPEN_X", 5, fd=3, name="/f").event("SYSCALL_READ_X", 5, res=1, fd=3))
    assert probe.noted() == ["2read"]
    assert probe.fd(5, 3) == b"/f"
    assert probe.engine.stats()["rejected"] == 1


def test_sinks_have_filters_and_ticks_of_their_own():
    probe = Probe()
    probe.filter("ev.num ~= 2")
    probe.note("'all' .. ev.num")
    probe.note("'odd' .. ev.num", "filter = function() return ev.num % 2 == 1 end")
    probe.note("'every' .. ev.num", "needs_all = true")
    probe.lua("require('walk').add_sink{ on_tick = function() require('out').write('tick' .. ev.num .. '\\n') end }")
    stream = Stream()
    for _ in range(3):
        stream.event("SYSCALL_READ_X", 5, res=1)
    probe.feed(stream)
    assert probe.noted() == ["all1", "odd1", "every1", "tick1", "every2", "tick2", "all3", "odd3", "every3", "tick3"]


def test_a_sink_can_leave():
    probe = Probe()
    probe.lua("SINK = { on_event = function() require('out').write('x') end } require('walk').add_sink(SINK)")
    probe.feed(Stream().event("SYSCALL_READ_X", 5, res=1))
    probe.lua("require('sinks').remove(SINK)")
    probe.feed(Stream().event("SYSCALL_READ_X", 5, res=1))
    assert probe.engine.take_output() == b"x"


def test_state_only_events_change_state_take_a_number_and_are_not_delivered():
    probe = Probe()
    probe.note("ev.num .. ev.name")
    stream = Stream().event("SYSCALL_OPEN_X", 5, fd=3, name="/f", record_flags=STATE_ONLY)
    probe.feed(stream.event("SYSCALL_READ_X", 5, res=1, fd=3))
    assert probe.noted() == ["2read"]
    assert probe.fd(5, 3) == b"/f"
    assert probe.engine.stats()["state_only"] == 1


def test_skipped_events_advance_the_number():
    probe = Probe()
    probe.note("ev.num")
    first = Stream().event("SYSCALL_READ_X", 5, res=1).take()
    second = bytearray(first)
    second[22:24] = (7).to_bytes(2, "little")
    probe.engine.feed_bytes(first + bytes(second))
    probe.feed(Stream().state(State.SKIP, count=1000).event("SYSCALL_READ_X", 5, res=1))
    assert probe.noted() == ["1", "9", "1010"]


def test_unknown_types_take_no_number():
    probe = Probe()
    probe.note("ev.num")
    probe.engine.feed_bytes(pack_record(60001, [b"x"], ts=START) + pack_record(4999, [], ts=START))
    probe.feed(Stream().event("SYSCALL_READ_X", 5, res=1))
    assert probe.noted() == ["1"]
    assert probe.engine.stats()["unknown"] == 2


def test_a_new_cgroup_stops_a_live_walk_only():
    from sysdig_py.engine.vm import Engine

    for live, status in ((True, Status.CGROUP), (False, Status.OK)):
        engine = Engine(is_live=live)
        stream = Stream().state(State.CGROUP_MKDIR, cgroup_id=77, path="/docker/x")
        mkdir = len(stream.data)
        data = stream.event("SYSCALL_READ_X", 5, res=1).take()
        step = engine.feed_bytes(data)
        assert step.status is status
        if live:
            assert (step.consumed, step.cgroup_id, step.path) == (mkdir, 77, b"/docker/x")
            assert engine.feed_bytes(data, step.consumed) == (Status.OK, len(data) - mkdir, 0, b"")


def test_events_about_no_thread():
    probe = Probe()
    probe.note("ev.thread.tid")
    probe.feed(Stream().event("DROP_X", 5, ratio=2))
    assert probe.noted() == ["-1"]
    assert probe.engine.stats()["threads"] == 0


WATCH_COMPILER = """
ABORTS, TRACES = {}, 0
local util = require("jit.util")
jit.attach(function(what, _, func, pc, code, info)
    if what == "start" then TRACES = TRACES + 1 end
    if what == "flush" then ABORTS.flush = (ABORTS.flush or 0) + 1 end
    if what ~= "abort" then return end
    local place = util.funcinfo(func, pc)
    local key = place.source .. ":" .. place.currentline .. " " .. tostring(code) .. " " .. tostring(info)
    ABORTS[key] = (ABORTS[key] or 0) + 1
end, "trace")
"""

SUM = """
local ev, sums = require("ev"), {}
SUMS = sums
require("walk").add_sink{ on_event = function()
    local fd = ev.fd
    if fd and ev.res > 0 then sums[fd.name] = (sums[fd.name] or 0) + ev.res end
end }
"""


FIRST_TRACE = """
local util = require("jit.util")
jit.attach(function(what, number)
    if what == "stop" and not FIRST then FIRST = number .. " " .. util.traceinfo(number).linktype end
    if what == "abort" and not FIRST then FIRST = "abort" end
end, "trace")
"""


def test_the_first_trace_is_the_loop_itself_whatever_the_events_are():
    probe = Probe()
    probe.lua(FIRST_TRACE)
    probe.engine.print_lines("*%evt.info %evt.num")
    probe.engine.feed_bytes(reads_and_writes(20_000))
    assert probe.value("FIRST") == b"1 loop"


def test_the_hot_loop_compiles():
    probe = Probe()
    stream = Stream()
    for tid in range(1000, 1050):
        for fd in range(16):
            stream.event("SYSCALL_OPEN_X", tid, fd=fd, name=f"/f{fd}")
    probe.feed(stream)
    probe.lua(SUM)
    span = reads_and_writes(20_000)
    probe.engine.feed_bytes(span)
    probe.lua(WATCH_COMPILER)
    for _ in range(5):
        probe.engine.feed_bytes(span)
    aborts = dict(probe.value("ABORTS").items())
    started = probe.value("TRACES")
    assert started <= 5, f"{started} traces started after the warm-up: the loop does not settle"
    assert sum(aborts.values()) <= 2, aborts
    assert sum(probe.value("SUMS").values()) > 0
