"""The state behind the events as tables, as it is at the end of a pass.

`engine/lua/columns/tables.lua` has their columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sysdig_py.engine.vm import Engine
from sysdig_py.export import arrow
from sysdig_py.export.arrow import Column

if TYPE_CHECKING:
    import pyarrow as pa

TABLES: Final = ("threads", "fds", "containers", "flows", "users", "interfaces")


def follow_flows(engine: Engine) -> None:
    """Have the engine keep the books of `flows`; it has only what happens from now on."""
    engine.require("columns.tables")[b"start_flows"]()


def read(engine: Engine, table: str) -> pa.Table:
    """Return a table as it is now."""
    lua: Any = engine.require("columns.tables")
    names, kinds = lua[b"columns"](table.encode())
    columns = [Column(name.decode(), kind.decode()) for name, kind in zip(names.values(), kinds.values(), strict=True)]
    rows, description = lua[b"collect"](table.encode())
    return arrow.library("pyarrow").Table.from_batches([arrow.batch(columns, int(rows), description)])
