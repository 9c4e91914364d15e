"""The pipeline over real traces: lines, chisels, limits, rewriting; output depends on nothing but the records."""

import io
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from sysdig_py import filter as event_filter
from sysdig_py.capture.replay import Replay
from sysdig_py.chisel.registry import Registry
from sysdig_py.engine.vm import HostCallbacks
from sysdig_py.errors import FilterError, UsageError
from sysdig_py.output.display import Display
from sysdig_py.output.text import TextOutput
from sysdig_py.pipeline import Pipeline, Plan
from sysdig_py.trace.format import make_header
from sysdig_py.trace.writer import NativeWriter
from tests.synthetic import START
from tests.traces import MACHINE, write_story

LINE = "%evt.num %evt.type %fd.name"


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    return write_story(tmp_path / "story.spy")


def play(trace: Path, plan: Plan, *, write: Path | None = None, stopped: bool = False) -> tuple[str, Pipeline]:
    with closing(Replay(trace)) as source:
        return _play(source, plan, write, stopped)


def _play(source: Replay, plan: Plan, write: Path | None, stopped: bool) -> tuple[str, Pipeline]:
    text, registry = io.BytesIO(), Registry({})

    def find(name: str) -> tuple[str, bytes]:
        script = registry.find(name)
        return script.path, script.source

    host = HostCallbacks(lambda text: event_filter.compile(text).lua_source, find)
    pipeline = Pipeline(plan, TextOutput(text, flush_each_batch=False), host, registry)
    pipeline.open(source)
    writer = NativeWriter(write, make_header(MACHINE, START, 80, plan.filter_text, "test")) if write else None
    if writer:
        pipeline.write_to(writer)
    pipeline.run(lambda: stopped, lambda _: None)
    if writer:
        writer.close(source.stats())
    return text.getvalue().decode(), pipeline


def test_lines_of_the_accepted_events(trace: Path) -> None:
    text, _ = play(trace, Plan(filter_text="evt.type=read and evt.num < 6", line_format=LINE))
    assert text == "1 read /etc/motd\n3 read /etc/motd\n5 read /etc/motd\n"


def test_no_format_no_lines(trace: Path) -> None:
    assert play(trace, Plan())[0] == ""


def test_a_chisel_takes_the_place_of_the_lines(trace: Path) -> None:
    text, _ = play(trace, Plan(chisels=(("topfiles_bytes", None),), line_format=LINE))
    assert text.splitlines()[2].split() == ["25B", "/etc/motd"]


def test_container_data_reaches_the_chisel(trace: Path) -> None:
    text, _ = play(trace, Plan(chisels=(("topfiles_bytes", None),), container_data=True))
    assert "web" in text


def test_limit_on_events(trace: Path) -> None:
    text, _ = play(trace, Plan(line_format="%evt.num", max_events=3))
    assert text == "1\n2\n3\n"


def test_rewriting_with_a_filter_replays_the_same(trace: Path, tmp_path: Path) -> None:
    plan = Plan(filter_text="evt.failed=true", line_format="%evt.num %evt.time %container.name %proc.name %evt.args")
    first, _ = play(trace, plan, write=tmp_path / "failed.spy")
    again, _ = play(tmp_path / "failed.spy", plan)
    assert first == again
    assert first.count("\n") == 5


def test_stopping_a_replay_ends_it(trace: Path) -> None:
    _, pipeline = play(trace, Plan(line_format=LINE), stopped=True)
    assert pipeline.engine.stats()["events"] <= 10


def test_a_failing_chisel_is_reported_and_ends_a_run_that_only_it_wanted(trace: Path, tmp_path: Path) -> None:
    script = tmp_path / "bad.lua"
    script.write_text("description=''; short_description=''; args={}; function on_event() error('broken') end")
    _, pipeline = play(trace, Plan(chisels=((str(script), None),)))
    failures = pipeline.chisels.take_failures()
    assert len(failures) == 1
    assert "bad.lua:1" in failures[0]
    assert "broken" in failures[0]


@pytest.mark.parametrize(
    ("plan", "error"),
    [
        (Plan(filter_text="proc.nmae=x"), FilterError),
        (Plan(line_format="%proc.nmae"), UsageError),
        (Plan(chisels=(("no_such_chisel", None),)), UsageError),
        (Plan(chisels=(("netlower", None),)), UsageError),
    ],
)
def test_bad_plans_are_refused_before_anything_runs(trace: Path, plan: Plan, error: type[Exception]) -> None:
    with pytest.raises(error):
        play(trace, plan)


def play_twice(trace: Path, plan: Plan) -> tuple[str, list[float]]:
    text, told = io.BytesIO(), [-1.0]
    registry = Registry({})
    host = HostCallbacks(lambda text: event_filter.compile(text).lua_source)
    pipeline = Pipeline(plan, TextOutput(text, flush_each_batch=False), host, registry)
    for _ in range(2):
        with closing(Replay(trace)) as source:
            pipeline.open(source)
            pipeline.run(lambda: False, told.append)
    return text.getvalue().decode() + pipeline.summary.text().decode(), told


def test_every_source_starts_anew(trace: Path) -> None:
    text, told = play_twice(trace, Plan(line_format="%evt.num %evt.reltime", max_events=2, summary=True))
    assert text.startswith("1 0\n2 1000000\n1 0\n2 1000000\n---")
    assert text.endswith("< read            2\n< write           2\n")
    assert all(0 <= percent <= 100 for percent in told[1:])


CHISEL = """description=''; short_description=''; args={}
local files, events = 0, 0
function on_init() files = files + 1 return true end
function on_event() events = events + 1 return true end
function on_capture_end() print(files, events) end
"""


def test_chisels_keep_what_they_know_from_source_to_source(trace: Path, tmp_path: Path) -> None:
    script = tmp_path / "counts.lua"
    script.write_text(CHISEL)
    text, _ = play_twice(trace, Plan(chisels=((str(script), None),), summary=True))
    assert text.splitlines()[:2] == ["1\t10", "2\t20"]
    assert text.endswith("#Calls\n----------------------\n"), "nothing is counted beside chisels"


def test_a_display_filter_hides_lines_and_nothing_else(trace: Path) -> None:
    text, _ = play_twice(trace, Plan(display_filter="evt.num=4", line_format="%evt.num", summary=True))
    assert text.startswith("4\n4\n---")
    assert "< read            10\n" in text


LATE = """
description, short_description, category, args = "", "", "", {}
function on_init() return true end
function on_event() chisel.request_field("evt.latency"); sysdig.end_capture(); return true end
"""


def live_demand(trace: Path, plan: Plan, *, saved: bool = False, notice: Callable[[str], None] = print) -> str:
    """Return who asks for the time in calls when the events of a trace come as those of a live capture would."""
    asked: list[str] = []
    registry = Registry({})

    def find(name: str) -> tuple[str, bytes]:
        script = registry.find(name)
        return script.path, script.source

    host = HostCallbacks(lambda text: event_filter.compile(text).lua_source, find, notice=notice)
    with closing(Replay(trace)) as source:
        source.is_live = True
        source.push_down = lambda demand: asked.append(demand.latency)  # type: ignore[method-assign]
        pipeline = Pipeline(plan, TextOutput(io.BytesIO(), flush_each_batch=False), host, registry)
        pipeline.open(source)
        if saved:
            pipeline.write_to(NativeWriter(trace.with_suffix(".copy"), make_header(MACHINE, START, 80, "", "test")))
        pipeline.run(lambda: False, lambda _: None)
    (who,) = asked
    return who


@pytest.mark.parametrize(
    ("plan", "who"),
    [
        (Plan(line_format=LINE), ""),
        (Plan(line_format="%evt.type %evt.latency.human"), "evt.latency.human"),
        (
            Plan(line_format=LINE, filter_text="evt.latency > 5 or evt.wait_latency > 5"),
            "evt.latency, evt.wait_latency",
        ),
        (Plan(line_format=LINE, display_filter="evt.latency > 5"), "evt.latency"),
        (Plan(line_format="%evt.outputtime", display=Display(time_style="d")), "the time style d"),
        (Plan(line_format="%evt.outputtime"), ""),
        (Plan(line_format=LINE, display=Display(time_style="d")), ""),
        (Plan(chisels=(("topscalls_time", None),)), "evt.latency"),
        (Plan(chisels=(("topprocs_net", None),)), ""),
        (Plan(summary=True), ""),
    ],
)
def test_who_asks_for_the_time_in_calls(trace: Path, plan: Plan, who: str) -> None:
    assert live_demand(trace, plan) == who
    assert live_demand(trace, plan, saved=True) == "the trace"


def test_a_chisel_that_asks_for_the_time_in_calls_too_late_is_told(trace: Path, tmp_path: Path) -> None:
    (tmp_path / "late.lua").write_text(LATE)
    notices: list[str] = []
    assert live_demand(trace, Plan(chisels=((str(tmp_path / "late.lua"), None),)), notice=notices.append) == ""
    assert notices == ["evt.latency was asked for while the capture ran: it is not measured in this run"]
