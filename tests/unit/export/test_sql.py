"""Queries over the shipped trace: what DuckDB answers is what the trace holds."""

import sys
from pathlib import Path

import pytest

from sysdig_py.capture.traces import open_replay
from sysdig_py.errors import EnvironmentLack, UsageError
from sysdig_py.export.passes import Request
from sysdig_py.export.sql import Answer, Database
from tests.source_tree import ROOT
from tests.traces import write_story

DEMO = ROOT / "tests/data/demo.spy"


def ask(sql: str, *, path: Path = DEMO, json: bool = False, text: str = "") -> list[tuple[str | None, ...]]:
    with Database(sql) as database:
        database.fill(Request(lambda: open_replay(path), text))
        return list(database.ask(json=json))


def test_events_grouped_by_fields() -> None:
    assert ask("SELECT container.name, count(*) n FROM events GROUP BY 1 ORDER BY 2 DESC") == [
        ("client", "3214"),
        ("web", "1176"),
    ]


def test_only_what_the_filter_accepts() -> None:
    assert ask("SELECT count(*) FROM events", text="container.name=web") == [("1176",)]


def test_an_event_is_seen_as_often_as_the_query_looks() -> None:
    sql = "WITH e AS (SELECT evt.num n FROM events) SELECT count(*) FROM e a JOIN e b USING (n)"
    assert ask(sql) == [("4390",)]


def test_state_is_that_of_the_end() -> None:
    assert ask("SELECT name FROM containers ORDER BY name") == [("client",), ("web",)]
    assert ask("SELECT count(*), sum(requests)::INT FROM flows") == [("49", "49")]
    assert ask("SELECT count(*) FROM events, threads WHERE evt.num = 1") == ask("SELECT count(*) FROM threads")


def test_values_keep_their_digits() -> None:
    assert ask("SELECT evt.rawtime FROM events WHERE evt.num = 1") == [("2026-11-23 15:09:24.244642864",)]
    ((json,),) = ask("SELECT evt.num, fd.port, evt.failed, fd.ino FROM events WHERE evt.num = 42", json=True)
    assert json == '{"evt.num":42,"fd.port":[43836,80],"evt.failed":false,"fd.ino":null}'


def test_several_statements_answer_with_the_last() -> None:
    assert ask("CREATE TABLE n AS SELECT count(*) c FROM threads; SELECT c > 0 FROM n;") == [("true",)]


def test_statements_that_are_no_select(tmp_path: Path) -> None:
    assert ask("DESCRIBE users")[0][0] == "uid"
    assert ask("EXPLAIN SELECT 1")
    assert len(ask("SELECT * FROM events LIMIT 1")[0]) == 38
    assert ask(f"COPY (SELECT 1) TO '{tmp_path}/x.csv'") == [("1",)]


def test_columns_of_the_answer() -> None:
    with Database("SELECT evt.num, proc.name AS who FROM events") as database:
        database.fill(Request(lambda: open_replay(DEMO)))
        answer = database.ask()
    assert isinstance(answer, Answer)
    assert answer.columns == ["evt.num", "who"]


def test_a_trace_of_sysdig(tmp_path: Path) -> None:
    assert ask("SELECT count(*) FROM events WHERE proc.name='cat'", path=write_story(tmp_path / "s.spy")) == [("10",)]


@pytest.mark.parametrize(
    ("sql", "complaint"),
    [
        ("SELEC 1", "syntax error"),
        ("", "no statement"),
        ("SELECT proc.nam FROM events", r"no field proc\.nam, did you mean proc\.name"),
        ("SELECT nonsense FROM events", "nonsense"),
        ("FROM nowhere", "nowhere"),
        ("SELECT proc.name::INT FROM events", "Conversion"),
    ],
)
def test_what_duckdb_refuses_is_one_line(sql: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint) as caught:
        ask(sql)
    assert "\n" not in str(caught.value)


def test_without_duckdb_the_command_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(EnvironmentLack, match=r"duckdb.*pip install 'sysdig-py\[columns\]'"):
        Database("SELECT 1")
