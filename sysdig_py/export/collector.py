"""The engine's column sink, as Python sees it: told what to collect once, emptied once per batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sysdig_py.engine.vm import Engine
from sysdig_py.errors import UsageError
from sysdig_py.export import arrow
from sysdig_py.export.arrow import Column

if TYPE_CHECKING:
    import pyarrow as pa


class Collector:
    """Fields of every delivered event as columns."""

    def __init__(self, engine: Engine, columns: Sequence[Column]) -> None:
        """Collect `columns` from now on.

        Raises:
            UsageError: the engine has no such field.
        """
        self.columns = tuple(columns)
        self._lua: Any = engine.require("columns.sink")
        names = engine.table([column.name.encode() for column in self.columns])
        kinds = engine.table([column.kind.encode() for column in self.columns])
        unknown = self._lua[b"open"](names, kinds)
        if unknown is not None:
            raise UsageError(f"unknown field '{unknown.decode()}'; sysdig-py -l lists them")

    def rows(self) -> int:
        """Return how many rows wait to be taken."""
        return int(self._lua[b"rows"]())

    def take(self) -> pa.RecordBatch:
        """Return the rows collected since the last call."""
        rows, description = self._lua[b"describe"]()
        batch = arrow.batch(self.columns, int(rows), description)
        self._lua[b"clear"]()
        return batch
