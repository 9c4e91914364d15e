"""`sysdig-py sql` as a user meets it."""

import io
import subprocess
import sys

import pytest

from sysdig_py.errors import UsageError
from sysdig_py.ui.cli.sql_command import run_sql_command
from tests.source_tree import ROOT

DEMO = str(ROOT / "tests/data/demo.spy")
TOP = "SELECT container.name, proc.name, count(*) AS n FROM events GROUP BY ALL ORDER BY n DESC LIMIT 2"


def sql(*words: str) -> str:
    out = io.StringIO()
    assert run_sql_command([*words, "-r", DEMO], out) == 0
    return out.getvalue()


def test_a_table_with_numbers_to_the_right() -> None:
    assert (
        sql(TOP)
        == "container.name  proc.name     n\nclient          wget       1648\nweb             httpd      1176\n"
    )


def test_json_lines() -> None:
    assert sql(TOP, "-j").splitlines()[1] == '{"container.name":"web","proc.name":"httpd","n":1176}'


def test_csv_with_empty_cells_for_null() -> None:
    assert sql("SELECT 1 AS a, NULL AS b, 'x,y' AS c", "--csv") == 'a,b,c\n1,,"x,y"\n'


def test_null_and_control_characters_in_a_table() -> None:
    assert sql("SELECT NULL AS a, chr(27) || '[1m' AS b").splitlines()[1].split() == ["NULL", ".[1m"]


def test_words_behind_the_query_are_the_filter() -> None:
    assert sql("SELECT count(*) AS n FROM events", "container.name", "=", "web") == "   n\n1176\n"


def test_a_statement_without_rows_prints_its_count_or_nothing() -> None:
    assert "1" not in sql("CREATE TABLE x AS SELECT 1 LIMIT 0").replace("Count", "")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "use: sysdig-py sql"),
        (["SELECT 1", "--csv", "-j"], "not with both"),
        (["SELECT 1", "-w", "x"], "sql takes of sysdig"),
        (["SELECT proc.nam FROM events", "-r", DEMO], r"proc\.name"),
    ],
)
def test_what_makes_no_sense(words: list[str], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        run_sql_command(words, io.StringIO())


def test_the_program_answers_and_complains_in_one_line() -> None:
    command = [sys.executable, "-m", "sysdig_py", "sql"]
    done = subprocess.run([*command, TOP, "-r", DEMO], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr, len(done.stdout.splitlines())) == (0, "", 3)
    done = subprocess.run([*command, "SELECT", "-r", DEMO], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("sysdig-py: SQL: ")
    assert len(done.stderr.splitlines()) == 1
