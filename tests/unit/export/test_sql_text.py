"""Which fields and tables a text of SQL refers to, and that nothing but field names is touched in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysdig_py.export.fields import COMMON
from sysdig_py.export.sql_text import understand


@pytest.mark.parametrize(
    ("sql", "quoted"),
    [
        ("SELECT proc.name FROM events", 'SELECT "proc.name" FROM events'),
        ("SELECT e.proc.name FROM events e", 'SELECT e."proc.name" FROM events e'),
        ("SELECT PROC.Name FROM events", 'SELECT "proc.name" FROM events'),
        ("SELECT evt.arg.flags, proc.aname[2]", 'SELECT "evt.arg.flags", "proc.aname[2]"'),
        ("SELECT fd.ip[1]", 'SELECT "fd.ip"[1]'),
        ("SELECT fd.name.lower()", 'SELECT "fd.name".lower()'),
        ("SELECT lower(fd.name)||'fd.name'", "SELECT lower(\"fd.name\")||'fd.name'"),
        ('SELECT "proc.name" AS "fd.x"', 'SELECT "proc.name" AS "fd.x"'),
        ("SELECT 1 -- proc.name\n/* fd.name */", "SELECT 1 -- proc.name\n/* fd.name */"),
        ("SELECT $$fd.name$$, E'\\'fd.name', 'it''s fd.name'", "SELECT $$fd.name$$, E'\\'fd.name', 'it''s fd.name'"),
        ("SELECT fds.name FROM fds", "SELECT fds.name FROM fds"),
        ("SELECT 1.5e3, t.x", "SELECT 1.5e3, t.x"),
    ],
)
def test_field_names_are_quoted_and_nothing_else(sql: str, quoted: str) -> None:
    assert understand(sql).text == quoted


@given(st.text())
def test_any_text_survives(sql: str) -> None:
    assert understand(sql).text.replace('"', "").lower() == sql.replace('"', "").lower()


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("SELECT count(*) FROM events", ["evt.num"]),
        ("SELECT proc.name, count( * ) FROM events WHERE fd.sport = 80", ["proc.name", "fd.sport"]),
        ("SELECT evt.latency * 2, proc.pid*proc.pid FROM events", ["evt.latency", "proc.pid"]),
        ("SELECT proc.name FROM events WHERE '*' = 'x'", ["proc.name"]),
    ],
)
def test_only_named_fields_are_columns(sql: str, columns: list[str]) -> None:
    assert understand(sql).columns() == columns


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM events",
        "FROM events",
        "SELECT e.* FROM events e",
        "SELECT * EXCLUDE (\"evt.num\") FROM events",
        "SELECT evt.num, * FROM events",
        "SELECT count(*), max(COLUMNS(*)) FROM events",
        "DESCRIBE events",
        "SUMMARIZE events",
        "SELECT e FROM events e",
        "WITH x AS (FROM events) SELECT evt.num FROM x",
    ],
)  # fmt: skip
def test_what_may_mean_all_columns_gets_the_common_ones(sql: str) -> None:
    assert set(understand(sql).columns()) == set(COMMON)


def test_a_field_that_is_not_common_is_added_to_all() -> None:
    assert understand("SELECT * FROM events WHERE proc.sname = 'x'").columns() == ["proc.sname", *COMMON]


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("SELECT proc.name FROM events", {"events"}),
        ("SELECT 1", set()),
        ('FROM threads JOIN "fds" USING (pid)', {"threads", "fds"}),
        ("SELECT Flows.sent FROM Flows", {"flows"}),
        ("SELECT 'users'", set()),
    ],
)
def test_only_named_tables_are_made(sql: str, tables: set[str]) -> None:
    assert understand(sql).tables == tables


def test_a_word_like_a_field_has_a_hint() -> None:
    assert understand("SELECT proc.nam FROM events").hint() == "; there is no field proc.nam, did you mean proc.name?"
    assert understand("SELECT e.proc.nam FROM events e").hint().endswith("did you mean proc.name?")
    assert understand("SELECT t.name FROM threads t").hint() == ""
