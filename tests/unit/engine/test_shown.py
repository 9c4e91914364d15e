"""What nobody can see of the state is not kept, and nobody sees it; counting keeps none."""

from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysdig_py import filter as event_filter
from sysdig_py.capture.traces import open_replay
from sysdig_py.engine.vm import Engine
from sysdig_py.errors import TraceError
from tests import scap
from tests.lua_probe import Probe
from tests.paired_steps import EVENTS, FILTERS, STATE, play, trace
from tests.scap import i64, u32


@given(st.lists(st.tuples(st.sampled_from(sorted(EVENTS)), st.sampled_from([10, 77]), st.booleans()), min_size=1))
def test_counting_alone_counts_the_same(tmp_path_factory, steps):
    path = tmp_path_factory.mktemp("lanes") / "t.scap"
    path.write_bytes(trace(steps))
    with_lanes, without = (play(path, "", lanes=lanes) for lanes in (True, False))
    assert with_lanes[2] == without[2]
    assert all(with_lanes[1][name] == without[1][name] for name in ("events", "delivered", "rejected"))


@pytest.mark.parametrize("fd", [3, 4])
def test_what_may_be_a_span_is_counted_as_what_it_is(tmp_path, fd):
    path = tmp_path / "t.scap"
    made = scap.Trace(*STATE)
    for code, *parameters in [(64, i64(0)), (65, i64(0))] + 2 * [(8, i64(fd), u32(7)), (9, i64(7), b">:1:a::")]:
        made.event(code, *parameters, tid=10)
    path.write_bytes(made.data)
    with_lanes, without = (play(path, "", lanes=lanes) for lanes in (True, False))
    assert with_lanes[2] == without[2]
    assert with_lanes[1]["events"] == 6
    assert (b"> tracer" in with_lanes[2]) is (fd == 4)


@pytest.mark.parametrize("fd", [3, 4])
def test_exits_alone_are_counted_the_same(tmp_path, fd):
    path = tmp_path / "t.scap"
    made = scap.Trace(*STATE).event(1, b"\x3f\x00", u32(0)[:2], tid=10).container(id="a1", name="web", type=0)
    for data in (b"a", b">:", b">:1:a::", b"a"):
        made.event(7, i64(1), b"a", i64(fd), u32(4), tid=11).event(9, i64(7), data, i64(fd), u32(7), tid=10)
    path.write_bytes(made.container(id="a1", name="web", type=0).data)
    assert blindness(path)
    with_lanes, without = (play(path, "", lanes=lanes) for lanes in (True, False))
    assert with_lanes[2] == without[2]
    assert all(with_lanes[1][name] == without[1][name] for name in ("events", "delivered", "rejected"))
    assert (b"tracer" in with_lanes[2]) is (fd == 4)


def blindness(path: Path, setup: str = "") -> bool:
    with closing(open_replay(path)) as source:
        probe = Probe(Engine(dialect=source.dialect))
        probe.engine.require("summary")[b"start"]()
        probe.lua(setup)
        source.start(probe.engine)
        probe.lua("require('scap.lanes').ready()")
        return probe.value("require('scap.lanes').is_blind")


def test_no_state_is_kept_only_for_those_who_count_all_of_a_file_that_can_be_read_again(tmp_path, monkeypatch):
    path = tmp_path / "t.scap"
    path.write_bytes(trace([(64, 10, False)]))
    assert blindness(path)
    assert not blindness(path, "require('lines').add('%evt.num')")
    assert not blindness(path, "require('host').set_filter('return function() return true end')")
    assert not blindness(path, "require('host').set_limits(1, 0)")
    monkeypatch.setattr("sysdig_py.trace.scap.reader._size", lambda _file: 0)
    assert not blindness(path)


FORMATS = (
    "%evt.num %evt.type %fd.name %proc.name",
    "%evt.num %evt.latency %thread.vmsize %thread.pfmajor",
    "%evt.num %span.tags %evtin.span.id %fd.connected",
    "%evt.num %evt.outputtime %evt.args",
)


@given(
    st.lists(st.tuples(st.sampled_from(sorted(EVENTS)), st.sampled_from([10, 11, 8202, 77]), st.booleans())),
    st.sampled_from(FILTERS),
    st.sampled_from(FORMATS),
)
def test_lines_are_the_same_whatever_part_of_the_state_they_show(tmp_path_factory, steps, text, line):
    path = tmp_path_factory.mktemp("lanes") / "t.scap"
    path.write_bytes(trace(steps))
    compiled = event_filter.compile(text).lua_source if text else ""
    setup = f"""
        require("sinks").remove(require("sinks").list()[1])
        require("format").set_time_style("d")
        require("host").set_filter([==[{compiled}]==])
        require("lines").add("{line}")"""
    assert play(path, "", lanes=True, setup=setup)[0] == play(path, "", lanes=False, setup=setup)[0]


@pytest.mark.parametrize(
    ("part", "shown_by"), [("memory", "thread.vmsize"), ("latency", "evt.latency.ns"), ("spans", "span.id")]
)
def test_what_fields_and_scripts_show_of_the_state(part, shown_by):
    probe = Probe(Engine(dialect="0293"))
    sees = f"require('scap.shown').part('{part}')"
    assert probe.value(sees)
    probe.lua("require('lines').add('%evt.num')")
    assert not probe.value(sees)
    mentions = "function(is_so) return is_so('x = chisel.request_field(\"%s\")') end"
    add = "require('sinks').add({ on_event = function() end, mentions = %s })"
    probe.lua(add % mentions % "evt.num")
    assert not probe.value(sees)
    probe.lua(add % mentions % shown_by)
    assert probe.value(sees)
    probe.lua("local l = require('sinks').list(); require('sinks').remove(l[#l])")
    assert not probe.value(sees)
    probe.lua(f"require('fields.init').lookup('{shown_by}')")
    assert probe.value(sees)
    assert not probe.value("require('scap.lanes').any")


def outcome(path: Path, text: str, *, lanes: bool, sink: str) -> tuple[object, ...]:
    try:
        with closing(open_replay(path)) as source:
            probe = Probe(Engine(dialect=source.dialect))
            summary = probe.engine.require("summary")
            summary[b"start"]()
            if sink:
                probe.engine.set_filter(event_filter.compile(text).lua_source)
                probe.lua(f"require('lines').add('{sink}')")
            source.start(probe.engine)
            if lanes:
                probe.lua("require('scap.lanes').ready()")
            while source.pump(probe.engine):
                pass
            stats = source.stats()
            return probe.noted(), bytes(summary[b"text"]()), stats.events, stats.bytes, stats.seconds, source.warnings
    except TraceError as error:
        return (str(error),)


@given(
    st.lists(st.tuples(st.sampled_from(sorted(EVENTS)), st.sampled_from([10, 77]), st.booleans()), min_size=1),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=3),
    st.floats(0.3, 1),
    st.sampled_from(["", "%evt.num %evt.type %fd.name"]),
)
def test_what_is_damaged_or_cut_off_is_told_and_counted_the_same(tmp_path_factory, steps, changes, end, sink):
    path = tmp_path_factory.mktemp("lanes") / "t.scap"
    head, data = len(trace([])), bytearray(trace(steps))
    for where, value in changes:
        data[head + int(where * (len(data) - 1 - head))] = value
    path.write_bytes(data[: head + int(end * (len(data) - head))])
    with_lanes, without = (outcome(path, "evt.type=read", lanes=lanes, sink=sink) for lanes in (True, False))
    assert with_lanes == without
