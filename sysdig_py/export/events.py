"""The flow of the Python API: events of a trace or of this machine -> filter -> selected fields -> batches.

    Events                where events come from, and which of them; nothing is read yet
      .filter(text)       the same with one more condition
      .select(*fields)    Selection: those events with these fields as columns
        .schema           names and types of the columns
        .batches()        pyarrow.RecordBatch after RecordBatch, in one pass, in bounded memory
        .reader()         the same as a pyarrow.RecordBatchReader, for whatever reads Arrow streams
        .arrow() .pandas() .polars()   everything as one table

Every look at a selection reads its source once more; a live one captures anew. `sysdig_py.open` and
`sysdig_py.live` make the `Events` to begin with.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sysdig_py import filter as event_filter
from sysdig_py.capture.source import CaptureStats
from sysdig_py.errors import UsageError
from sysdig_py.export import arrow
from sysdig_py.export.collector import Collector
from sysdig_py.export.fields import column
from sysdig_py.export.passes import Pass, Request

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow as pa

BATCH_ROWS: Final = 65536
_FRESH_SECONDS: Final = 1.0  # a live batch is handed over after this time even when it is small


class Events:
    """Events of a source, before anything was read: choose with `filter`, then `select` the fields to get.

    Attributes:
        is_endless: whether only the caller ends it: live, without a limit.
    """

    def __init__(self, request: Request, *, is_endless: bool = False) -> None:
        """Describe what to read; nothing happens yet."""
        self.request = request
        self.is_endless = is_endless

    def filter(self, text: str) -> Events:
        """Return these events without those that the filter rejects; several filters must all accept.

        Args:
            text: a filter as on the command line, `proc.name = nginx and evt.failed = true`.

        Raises:
            FilterError: it does not parse, or names an unknown field.
        """
        event_filter.compile(text)
        before = self.request.filter_text
        both = f"({before}) and ({text})" if before else text
        return Events(replace(self.request, filter_text=both), is_endless=self.is_endless)

    def select(self, *fields: str | Iterable[str]) -> Selection:
        """Return these events with some fields as columns.

        Args:
            fields: names as in formats (`proc.name`, `evt.arg.flags`, `proc.aname[2]`), one by one or as one list.

        Raises:
            UsageError: no field, an unknown one (with the nearest known name), or the same twice.
        """
        names = [name for field in fields for name in ([field] if isinstance(field, str) else field)]
        twice = {name for name in names if names.count(name) > 1}
        if not names or twice:
            raise UsageError(f"field {min(twice)} is selected twice" if twice else "select at least one field")
        return Selection(self, names)


class Selection:
    """Events with the fields chosen for them, ready to be read.

    Attributes:
        stats: what the last pass read and lost; None before one has ended.
    """

    def __init__(self, events: Events, names: Iterable[str]) -> None:
        """Use `Events.select`."""
        self._events = events
        self.columns = tuple(column(name) for name in names)
        self.stats: CaptureStats | None = None

    @property
    def schema(self) -> pa.Schema:
        """Names and types of the columns, as docs/python.md lists them."""
        return arrow.schema(self.columns)

    def batches(self, rows: int = BATCH_ROWS, stopped: Callable[[], bool] = lambda: False) -> Iterator[pa.RecordBatch]:
        """Read the events and yield them batch by batch, in bounded memory.

        Args:
            rows: a batch has at least so many rows, but for the last, and but for those of a live capture that
                come after a second.
            stopped: asked between batches; once true, what was captured so far is the end.

        Raises:
            TraceError: the trace cannot be read.
            EnvironmentLack: pyarrow is missing, or what a live capture needs.
            RightsError: capturing needs root.
        """
        return self.read(rows, stopped, lambda _percent: None)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Yield the batches."""
        return self.batches()

    def read(
        self, rows: int, stopped: Callable[[], bool], on_progress: Callable[[float], None]
    ) -> Iterator[pa.RecordBatch]:
        """Yield batches like `batches`, and tell how much of a file was read, in percent."""
        with self._passing() as passing:
            collector = Collector(passing.engine, self.columns)
            taken = time.monotonic()
            for percent in passing.steps(stopped):
                on_progress(percent)
                waiting = collector.rows()
                is_late = passing.source.is_live and waiting and time.monotonic() - taken > _FRESH_SECONDS
                if waiting >= rows or is_late:
                    yield collector.take()
                    taken = time.monotonic()
            if collector.rows():
                yield collector.take()

    @contextmanager
    def _passing(self) -> Iterator[Pass]:
        arrow.library("pyarrow")
        with Pass(self._events.request) as passing:
            try:
                yield passing
            finally:
                self.stats = passing.stats()

    def reader(self, rows: int = BATCH_ROWS) -> pa.RecordBatchReader:
        """Return the batches as an Arrow stream, which DuckDB, polars and others read."""
        return arrow.library("pyarrow").RecordBatchReader.from_batches(self.schema, self.batches(rows))

    def arrow(self) -> pa.Table:
        """Read everything into one Arrow table.

        Raises:
            UsageError: the events never end; iterate over `batches()`.
        """
        if self._events.is_endless:
            raise UsageError("a live capture without seconds or events has no end: iterate over batches()")
        pa = arrow.library("pyarrow")
        return pa.Table.from_batches(self.batches(), self.schema).unify_dictionaries()

    def pandas(self) -> pandas.DataFrame:
        """Read everything into a pandas data frame; whole numbers stay exact where some are missing."""
        pd = arrow.library("pandas")
        pa = arrow.library("pyarrow")
        exact = {pa.int64(): pd.Int64Dtype(), pa.uint64(): pd.UInt64Dtype(), pa.bool_(): pd.BooleanDtype()}
        return self.arrow().to_pandas(types_mapper=exact.get)

    def polars(self) -> polars.DataFrame:
        """Read everything into a polars data frame."""
        frame: polars.DataFrame = arrow.library("polars").from_arrow(self.arrow())
        return frame
