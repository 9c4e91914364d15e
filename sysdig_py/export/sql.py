"""SQL over the events and the state of one pass: DuckDB answers, from tables made of what the query needs.

`events` has the fields that the query names as its columns, under their own names; without any named, all common ones.
The other tables are the state at the end of the pass. Nothing is written to disk but what DuckDB spills of a large
table, into a folder for this user only.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from sysdig_py.capture.source import CaptureStats
from sysdig_py.errors import UsageError
from sysdig_py.export import arrow, state_tables
from sysdig_py.export.collector import Collector
from sysdig_py.export.fields import column
from sysdig_py.export.passes import Pass, Request
from sysdig_py.export.sql_text import Query, understand

_BATCH_ROWS: Final = 65536
_FETCH_ROWS: Final = 4096


class Answer:
    """The rows of an answer as texts, ready to be shown.

    Attributes:
        columns: their names; empty when the last statement gives no rows.
    """

    def __init__(self, result: Any) -> None:
        """Use `Database.ask`."""
        self._result = result
        self.columns: list[str] = [row[0] for row in result.description or ()]

    def __iter__(self) -> Iterator[tuple[str | None, ...]]:
        """Yield the rows, with None for NULL."""
        with _errors():
            while self.columns and (rows := self._result.fetchmany(_FETCH_ROWS)):
                for row in rows:
                    yield tuple(None if value is None else str(value) for value in row)


class Database:
    """The tables that one query needs."""

    def __init__(self, sql: str) -> None:
        """Look at the query; nothing is read yet.

        Raises:
            EnvironmentLack: pyarrow or duckdb is missing.
            UsageError: the text is no SQL.
        """
        arrow.library("pyarrow")
        self.query: Query = understand(sql)
        self.stats: CaptureStats | None = None
        self._duckdb: Any = arrow.library("duckdb")
        with _errors(self.query):
            self._statements = self._duckdb.extract_statements(self.query.text)
        if not self._statements:
            raise UsageError("there is no statement in the SQL")
        self._spill = tempfile.TemporaryDirectory(prefix="sysdig-py-")
        settings = {"temp_directory": self._spill.name, "autoinstall_known_extensions": "false"}
        self._connection = self._duckdb.connect(":memory:", config=settings)

    def fill(
        self,
        request: Request,
        stopped: Callable[[], bool] = lambda: False,
        on_progress: Callable[[float], None] = lambda _percent: None,
    ) -> None:
        """Read the events and make the tables.

        Raises:
            SysdigPyError: the events cannot be read.
        """
        with Pass(request) as passing:
            try:
                self._read(passing, stopped, on_progress)
            finally:
                self.stats = passing.stats()

    def _read(self, passing: Pass, stopped: Callable[[], bool], on_progress: Callable[[float], None]) -> None:
        tables = self.query.tables
        if "flows" in tables:
            state_tables.follow_flows(passing.engine)
        columns = [column(name) for name in self.query.columns()]
        collector = Collector(passing.engine, columns) if "events" in tables else None
        if collector:
            self._insert("events", arrow.schema(columns).empty_table())
        for percent in passing.steps(stopped):
            on_progress(percent)
            if collector and collector.rows() >= _BATCH_ROWS:
                self._insert("events", collector.take())
        if collector:
            self._insert("events", collector.take())
        for name in state_tables.TABLES:
            if name in tables:
                self._insert(name, state_tables.read(passing.engine, name))

    def _insert(self, table: str, rows: Any) -> None:
        self._connection.register("incoming_rows", rows)
        self._connection.execute(f"CREATE TABLE IF NOT EXISTS {table} AS SELECT * FROM incoming_rows LIMIT 0")
        self._connection.execute(f"INSERT INTO {table} SELECT * FROM incoming_rows")
        self._connection.unregister("incoming_rows")

    def ask(self, *, json: bool = False) -> Answer:
        """Run the query and return the answer of its last statement.

        Args:
            json: answer with one column, of JSON objects.

        Raises:
            UsageError: DuckDB refuses it; the message says why, and names the nearest field where one is unknown.
        """
        with _errors(self.query):
            for statement in self._statements[:-1]:
                self._connection.execute(statement)
            return Answer(self._connection.execute(self._in_text(self._statements[-1], json=json)))

    def _in_text(self, statement: Any, *, json: bool) -> Any:
        """Have DuckDB itself turn the values into texts: Python's times know no nanoseconds, for one."""
        if statement.type != self._duckdb.StatementType.SELECT:
            return statement
        what = "to_json(answer)" if json else "COLUMNS(*)"
        return f"SELECT CAST({what} AS VARCHAR) FROM ({statement.query.rstrip().rstrip(';')}\n) AS answer"

    def close(self) -> None:
        """Let go of the tables."""
        self._connection.close()
        self._spill.cleanup()

    def __enter__(self) -> Database:
        """Return the database; it is closed when the block ends."""
        return self

    def __exit__(self, *_: Any) -> None:
        """Close."""
        self.close()


@contextmanager
def _errors(query: Query | None = None) -> Iterator[None]:
    try:
        yield
    except arrow.library("duckdb").Error as error:
        first, *rest = str(error).splitlines() or [""]
        near = [line.strip().replace(": :", ":") for line in rest if line.startswith(("Candidate", "Did you mean"))]
        hint = (query.hint() if query else "") or "".join(f"; {line}" for line in near)
        raise UsageError(f"SQL: {first}{hint}") from error
