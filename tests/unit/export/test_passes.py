"""A pass reads a source once, with its filter and limits, and lets go of it whatever happens."""

from pathlib import Path

import pytest

from sysdig_py.capture.source import Source
from sysdig_py.capture.traces import open_replay
from sysdig_py.errors import FilterError
from sysdig_py.export.passes import Pass, Request
from tests.traces import write_story


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    return write_story(tmp_path / "story.spy")


def delivered(request: Request) -> int:
    with Pass(request) as passing:
        percents = list(passing.steps())
        assert all(0 <= percent <= 100 for percent in percents)
        return passing.engine.stats()["delivered"]


def test_filter_and_limits(trace: Path) -> None:
    assert delivered(Request(lambda: open_replay(trace))) == 10
    assert delivered(Request(lambda: open_replay(trace), "evt.type=read")) == 5
    assert delivered(Request(lambda: open_replay(trace), max_events=3)) == 3
    assert delivered(Request(lambda: open_replay(trace), max_seconds=0.0055)) == 6


def test_stats_tell_what_was_read(trace: Path) -> None:
    with Pass(Request(lambda: open_replay(trace))) as passing:
        list(passing.steps())
        assert passing.stats().events == 10


def test_nothing_is_opened_for_a_filter_that_does_not_compile() -> None:
    def never() -> Source:
        raise AssertionError("opened")

    with pytest.raises(FilterError):
        Pass(Request(never, "nonsense=1"))


def test_stopping_ends_the_steps(trace: Path) -> None:
    with Pass(Request(lambda: open_replay(trace))) as passing:
        assert len(list(passing.steps(lambda: True))) <= 1


def test_the_source_is_closed_when_the_engine_refuses_it(trace: Path) -> None:
    source = open_replay(trace)
    closed: list[bool] = []
    close = source.close
    source.close = lambda: (closed.append(True), close())  # type: ignore[method-assign]
    source.dialect = "nonsense"
    with pytest.raises(Exception, match="unknown dialect"):
        Pass(Request(lambda: source))
    assert closed


def test_the_time_in_calls_is_asked_for_by_what_collects_it(trace: Path) -> None:
    def who(filter_text: str, field: str) -> str:
        asked: list[str] = []
        source = open_replay(trace)
        source.is_live = True
        source.push_down = lambda demand: asked.append(demand.latency)  # type: ignore[method-assign]
        with Pass(Request(lambda: source, filter_text)) as passing:
            passing.call("fields.init", "lookup", field.encode())
            list(passing.steps())
        (one,) = asked
        return one

    assert who("", "evt.type") == ""
    assert who("", "evt.latency") == "evt.latency"
    assert who("evt.latency.human exists", "evt.type") == "evt.latency.human"
