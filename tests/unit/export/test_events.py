"""The flow of the Python API over a small trace: filters add up, selections give batches and tables."""

from pathlib import Path

import pyarrow as pa
import pytest

from sysdig_py.capture.traces import open_replay
from sysdig_py.errors import FilterError, UsageError
from sysdig_py.export.events import Events
from sysdig_py.export.passes import Request
from tests.traces import write_story

FIELDS = ("evt.num", "evt.type", "container.name", "evt.failed", "evt.buffer")


@pytest.fixture
def events(tmp_path: Path) -> Events:
    path = write_story(tmp_path / "story.spy")
    return Events(Request(lambda: open_replay(path)))


def test_filters_add_up(events: Events) -> None:
    chosen = events.filter("evt.type=read or evt.num=2").filter("evt.num < 4").select("evt.num")
    assert chosen.arrow().to_pydict() == {"evt.num": [1, 2, 3]}


def test_filtering_leaves_the_events_it_began_with(events: Events) -> None:
    events.filter("evt.type=read")
    assert events.select("evt.num").arrow().num_rows == 10


def test_a_wrong_filter_is_told_at_once(events: Events) -> None:
    with pytest.raises(FilterError, match=r"did you mean proc\.name"):
        events.filter("proc.nam=x")


def test_fields_one_by_one_or_as_a_list(events: Events) -> None:
    assert events.select(*FIELDS).schema == events.select(list(FIELDS)).schema
    assert events.select("evt.num", ["evt.type"]).schema.names == ["evt.num", "evt.type"]


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [([], "at least one"), (["evt.num", "evt.num"], "twice"), (["proc.nam"], r"did you mean proc\.name")],
)
def test_a_wrong_selection_is_told_at_once(events: Events, fields: list[str], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        events.select(*fields)


def test_table_batches_and_stream_hold_the_same(events: Events) -> None:
    selection = events.select(*FIELDS)
    table = selection.arrow()
    assert pa.Table.from_batches(selection).to_pylist() == table.to_pylist()
    assert selection.reader().read_all().to_pylist() == table.to_pylist()
    assert table.schema == selection.schema
    assert table.slice(0, 2).to_pylist() == [
        {"evt.num": 1, "evt.type": "read", "container.name": "web", "evt.failed": False, "evt.buffer": b"hello"},
        {"evt.num": 2, "evt.type": "write", "container.name": "web", "evt.failed": True, "evt.buffer": b""},
    ]


def test_without_an_event_there_is_an_empty_table_of_the_right_columns(events: Events) -> None:
    selection = events.filter("evt.num > 99").select(*FIELDS)
    assert list(selection.batches()) == []
    assert selection.arrow().schema == selection.schema


def test_pandas_keeps_whole_numbers_whole_where_some_are_missing(events: Events) -> None:
    frame = events.select("evt.num", "fd.sport", "proc.name").pandas()
    assert [str(kind) for kind in frame.dtypes] == ["Int64", "Int64", "category"]
    assert frame["evt.num"].sum() == 55


def test_polars(events: Events) -> None:
    frame = events.select("evt.type", "evt.num").polars()
    assert frame.group_by("evt.type").len().sort("evt.type").rows() == [("read", 5), ("write", 5)]


def test_stats_of_the_last_pass(events: Events) -> None:
    selection = events.filter("evt.type=read").select("evt.num")
    assert selection.stats is None
    selection.arrow()
    assert selection.stats is not None
    assert selection.stats.events == 10


def test_a_pass_that_is_left_early_lets_go_of_its_source(events: Events) -> None:
    source = events.request.open()
    closed: list[bool] = []
    close = source.close
    source.close = lambda: (closed.append(True), close())  # type: ignore[method-assign]
    batches = Events(Request(lambda: source)).select("evt.num").batches(rows=1)
    next(batches)
    batches.close()  # type: ignore[attr-defined]
    assert closed


def test_what_never_ends_is_no_table(events: Events) -> None:
    endless = Events(events.request, is_endless=True).filter("evt.num=1").select("evt.num")
    with pytest.raises(UsageError, match="no end"):
        endless.arrow()
