"""Events nobody looks at: what is left of them is what there would be had they been looked at."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sysdig_py import filter as event_filter
from sysdig_py.engine.vm import Engine
from tests.lua_probe import Probe
from tests.paired_steps import EVENTS, FILTERS, NOTE, play, trace


@given(
    st.lists(st.tuples(st.sampled_from(sorted(EVENTS)), st.sampled_from([10, 11, 8202, 77, -1]), st.booleans())),
    st.sampled_from(FILTERS),
)
def test_nothing_is_different(tmp_path_factory, steps, text):
    path = tmp_path_factory.mktemp("lanes") / "t.scap"
    path.write_bytes(trace(steps))
    assert play(path, text, lanes=True, sink=NOTE) == play(path, text, lanes=False, sink=NOTE)


# the only sink, with a filter of its own
CHOOSY = """
    local sinks, ev = require("sinks"), require("ev")
    sinks.remove(sinks.list()[1])
    sinks.add({ on_event = function() require("out").write(%s .. "\\n") end,
        filter = require("host").load_filter([==[%s]==]) })
    """


@given(
    st.lists(st.tuples(st.sampled_from(sorted(EVENTS)), st.sampled_from([10, 11, 8202, 77]), st.booleans())),
    st.sampled_from(FILTERS[1:]),
)
def test_a_sink_that_chooses_sees_the_same(tmp_path_factory, steps, text):
    path = tmp_path_factory.mktemp("lanes") / "t.scap"
    path.write_bytes(trace(steps))
    setup = CHOOSY % (NOTE, event_filter.compile(text).lua_source)
    with_lanes, without = (play(path, "", lanes=lanes, setup=setup) for lanes in (True, False))
    assert with_lanes == without


@pytest.mark.parametrize("text", ["fd.type=ipv4", "evt.is_io=true and not fd.type=file"])
def test_reads_go_by_with_fds_that_nobody_wants(text):
    probe = Probe(Engine(dialect="0293"))
    probe.engine.set_filter(event_filter.compile(text).lua_source)
    probe.note("ev.num")
    probe.lua("require('scap.lanes').ready()")
    ways = "require('scap.lanes').ways"
    fds = "require('state.fds')"
    for code in (6, 7, 8, 9):
        assert probe.value(f"{ways}[{code}].whole") == 0
        assert probe.value(f"bit.band({ways}[{code}].fds, bit.lshift(1, {fds}.FILE)) ~= 0")
        assert probe.value(f"bit.band({ways}[{code}].fds, bit.lshift(1, {fds}.IPV4)) == 0")


TIMER = """
    local ev, interval = require("ev"), require("chisel.interval")
    local timer = interval.new(2500, %s)
    local function called(s, ns, delta) require("out").write(("%%d %%d %%d %%d\\n"):format(s, ns, delta, ev.num)) end
    require("sinks").add({
        on_tick = function() interval.tick(timer, ev, called) end,
        quiet = function() return interval.quiet(timer) end,
    })
    """


@given(
    st.lists(st.tuples(st.sampled_from(sorted(EVENTS)), st.sampled_from([10, 11, 77]), st.booleans()), max_size=40),
    st.sampled_from(["true", "false"]),
)
def test_a_timer_is_looked_after_and_needs_no_events(tmp_path_factory, steps, is_precise):
    path = tmp_path_factory.mktemp("lanes") / "t.scap"
    path.write_bytes(trace(steps))
    with_lanes, without = (play(path, "", lanes=lanes, setup=TIMER % is_precise) for lanes in (True, False))
    assert with_lanes == without
    assert len(with_lanes[0]) >= (len(steps) - 1) // 3


def test_events_go_by_while_no_timer_is_due():
    probe = Probe(Engine(dialect="0293"))
    probe.lua(TIMER % "false")
    probe.lua("require('scap.lanes').ready()")
    ways = probe.engine.require("scap.lanes")[b"is_whole"]
    assert not any(ways(code) for code in (6, 7, 64, 65))


# what events answer without thread and fd: all that, and next to nothing; what they answer with both as they stand
LIGHT = (
    "evt.num", "evt.time", "evt.rawtime.ns", "evt.reltime", "evt.latency", "evt.dir", "evt.type", "evt.cpu",
    "evt.count.exit", "evt.count.error", "evt.res", "evt.rawres", "evt.failed", "evt.rawarg.fd", "syscall.type",
    "evt.is_io", "evt.io_dir", "evt.is_wait",
)  # fmt: skip
PLAIN = ("evt.num", "evt.time", "evt.rawtime.ns", "evt.latency", "evt.dir", "evt.type", "evt.cpu", "syscall.type")
NEAR = (
    "evt.num", "evt.reltime", "evt.latency", "evt.type", "evt.res", "evt.rawarg.res", "evt.buflen", "evt.buffer",
    "evt.category", "evt.count.error.file", "fd.num", "fd.type", "fd.typechar", "fd.name", "fd.filename", "fd.l4proto",
    "fd.cip", "fd.sport", "fd.sockfamily", "proc.name", "proc.pid", "proc.pname", "thread.tid", "thread.vtid",
    "container.name", "user.name",
)  # fmt: skip
ASKING = """
    local fields, accepts = require("fields.init"), %s
    local names, getters, level = { %s }, {}, 0
    for i, name in ipairs(names) do
        getters[i], level = fields.lookup(name).get, math.max(level, require("fields.light").level(name))
    end
    require("sinks").add({
        filter = accepts,
        level = function() return level end,
        on_event = function()
            for _, get in ipairs(getters) do require("out").write(tostring(get()) .. " ") end
            require("out").write("\\n")
        end,
    })
    """


def ask(names: tuple[str, ...], text: str) -> str:
    source = event_filter.compile(text).lua_source if text else ""
    accepts = f"require('host').load_filter([==[{source}]==])" if text else "nil"
    return ASKING % (accepts, ", ".join(f'"{name}"' for name in names))


@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(EVENTS)), st.sampled_from([10, 8202, 77, -1]), st.booleans()), max_size=20
    ),
    st.sampled_from([LIGHT, PLAIN]),
    st.sampled_from(
        ["", "evt.dir=<", "evt.type!=switch", "evt.latency>500", "evt.dir=< and evt.type!=read", "evt.res>0"]
    ),
)
def test_light_events_answer_the_same(tmp_path_factory, steps, names, text):
    path = tmp_path_factory.mktemp("lanes") / "t.scap"
    path.write_bytes(trace(steps))
    setup = ask(names, text)
    assert play(path, "", lanes=True, setup=setup) == play(path, "", lanes=False, setup=setup)


# mostly calls of one thread with what can happen to its fds
CALLS = st.lists(
    st.one_of(
        st.builds(
            lambda code, fd, result, old: [(code * 1000 + fd, 10, old), ((code + 1) * 1000 + result, 10, old)],
            *(st.sampled_from([6, 8]), st.sampled_from([3, 4, 5, 6, 9]), st.sampled_from([0, 1]), st.booleans()),
        ),
        st.tuples(st.sampled_from(sorted(EVENTS)), st.sampled_from([10, 10, 11, 77]), st.booleans()).map(
            lambda step: [step]
        ),
    ),
    max_size=20,
).map(lambda groups: [step for group in groups for step in group])


@given(
    CALLS, st.sampled_from(["", "evt.is_io=true", "fd.type exists", "evt.rawres>=0", "proc.name=p10"]), st.booleans()
)
@example([(key, 10, False) for key in (6003, 7000, 8004, 9001, 8004, 9001, 4)], "", True)
@example([(key, 10, False) for key in (8005, 9001, 8005, 9000, 6003, 7001, 64)], "evt.is_io=true", True)
def test_events_with_thread_and_fd_as_they_stand_answer_the_same(tmp_path_factory, steps, text, is_alone):
    path = tmp_path_factory.mktemp("lanes") / "t.scap"
    path.write_bytes(trace(steps))
    # the counting sink wants all of every event
    setup = ("require('sinks').remove(require('sinks').list()[1])" if is_alone else "") + ask(NEAR, text)
    assert play(path, "", lanes=True, setup=setup) == play(path, "", lanes=False, setup=setup)


def test_calls_with_a_known_fd_are_delivered_as_they_stand(tmp_path):
    path = tmp_path / "t.scap"
    calls = [6003, 7000, 6003, 7000, 8005, 9000, 8005, 9000, 4]
    path.write_bytes(trace([(code, 10, False) for code in calls]))
    setup = "require('sinks').remove(require('sinks').list()[1])" + ask(NEAR, "evt.is_io=true")
    count = """
    NEAR_ONES = 0
    local deliver = require("sinks").deliver
    local near = deliver.near
    deliver.near = function() NEAR_ONES = NEAR_ONES + 1 return near() end
    """
    told = "require('out').write(NEAR_ONES .. '\\n')"
    asked, _, _ = play(path, "", lanes=True, setup=setup + count, after=told)
    # all but the first event of a stream, the first data on a socket, and what closes
    assert asked[-1] == "5"


NESTED = "evt.dir=< or (evt.dir=> and (" * 6 + "evt.dir=<" + "))" * 6


def test_where_nobody_has_a_timer_none_is_due_in_any_source():
    engine = Engine(dialect="0293")
    for _ in range(2):
        engine.begin({}, False, "t.scap")
        assert engine.execute("return require('control').control.quiet_length ~= 0")


@pytest.mark.parametrize(
    ("text", "is_decided"),
    [
        ("evt.type!=switch", True), ("evt.dir=< and not (evt.type=read or evt.is_io=true)", True),
        ("evt.type!=switch and evt.cpu=0", False), ("evt.latency>5", False), (NESTED, False),
        ("evt.type in (" + ",".join(["read"] * 150) + ")", True), (" or ".join(["evt.type=read"] * 150), False),
    ],
)  # fmt: skip
def test_filters_that_the_type_decides(text, is_decided):
    probe = Probe(Engine(dialect="0293"))
    source = event_filter.compile(text).lua_source
    assert (
        probe.value(f"require('filter_types').is_decided(require('host').load_filter([==[{source}]==]))") is is_decided
    )


@pytest.mark.parametrize(
    ("text", "looked_at"),
    [("evt.type=open", {2, 3}), ("fd.name contains etc", {6, 8}), ("not evt.type=read", {8, 9}), ("evt.dir=>", {6, 8})],
)
def test_what_the_filter_cannot_accept_is_not_looked_at(text, looked_at):
    probe = Probe(Engine(dialect="0293"))
    probe.engine.set_filter(event_filter.compile(text).lua_source)
    probe.note("ev.num")
    probe.lua("require('scap.lanes').ready()")
    ways = probe.engine.require("scap.lanes")[b"is_whole"]
    assert all(ways(code) for code in looked_at)
    if text != "fd.name contains etc":
        assert not all(ways(code) for code in (6, 7, 64, 65))
