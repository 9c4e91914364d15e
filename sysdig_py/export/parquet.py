"""Events as a Parquet file.

The file's key-value metadata has `sysdig_py`: a JSON object with the filter, the machine and what was lost, so that the
columns do not outlive the knowledge of what is missing in them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from sysdig_py.export import arrow
from sysdig_py.export.events import Selection

if TYPE_CHECKING:
    import pyarrow as pa

GROUP_ROWS: Final = 512 * 1024
_READ_ROWS: Final = 65536


def write(
    selection: Selection,
    file: BinaryIO,
    facts: dict[str, Any],
    stopped: Callable[[], bool] = lambda: False,
    on_progress: Callable[[float], None] = lambda _percent: None,
) -> int:
    """Write the events of `selection` and return their number.

    Args:
        selection: what to write.
        file: where to; it is not closed.
        facts: what else goes into the metadata.
        stopped: once true, the file ends with what was read so far.
        on_progress: is told how much of a trace was read, in percent.

    Raises:
        SysdigPyError: the events cannot be read; what is in `file` is then no Parquet file.
    """
    pq = arrow.library("pyarrow.parquet")
    rows = 0
    with pq.ParquetWriter(file, selection.schema, compression="zstd") as writer:
        for group in _groups(selection.read(_READ_ROWS, stopped, on_progress)):
            writer.write_table(group, row_group_size=GROUP_ROWS)
            rows += group.num_rows
        stats = selection.stats
        known = facts | {"rows": rows, "lost": stats.lost if stats else {}}
        known |= {"only_counted": stats.counted} if stats and stats.counted else {}
        writer.add_key_value_metadata({"sysdig_py": json.dumps(known, default=str)})
    return rows


def _groups(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Join batches into row groups large enough to compress and skip well."""
    pa = arrow.library("pyarrow")
    waiting: list[Any] = []
    for batch in batches:
        waiting.append(batch)
        if sum(b.num_rows for b in waiting) >= GROUP_ROWS:
            yield pa.Table.from_batches(waiting)
            waiting = []
    if waiting:
        yield pa.Table.from_batches(waiting)
