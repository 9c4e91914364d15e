"""What there is to say about a saved trace, without an engine: counts, times, sizes, completeness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sysdig_py.trace.format import Totals
from sysdig_py.trace.reader import Hole, NativeReader


@dataclass(frozen=True, slots=True)
class TraceInfo:
    """A trace in numbers.

    Attributes:
        name: the file.
        header: its header.
        blocks: blocks that could be read.
        records: records in them, state records included.
        raw_bytes: bytes of those records.
        packed_bytes: the same compressed.
        file_bytes: bytes read from the file.
        first_ts: lowest time stamp, 0 when there is none.
        last_ts: highest time stamp.
        totals: what the capture counted; None without a footer.
        complete: nothing is missing.
        cut_at: where reading stopped, None when the end was reached.
        holes: every place that could not be read.
    """

    name: str
    header: dict[str, Any]
    blocks: int
    records: int
    raw_bytes: int
    packed_bytes: int
    file_bytes: int
    first_ts: int
    last_ts: int
    totals: Totals | None
    complete: bool
    cut_at: int | None
    holes: tuple[Hole, ...]

    @property
    def seconds(self) -> float:
        """Time between the first and the last time stamp."""
        return (self.last_ts - self.first_ts) / 1e9 if self.first_ts else 0.0

    @property
    def compression(self) -> float:
        """Bytes before compression per byte after it."""
        return self.raw_bytes / self.packed_bytes if self.packed_bytes else 0.0

    @property
    def lost(self) -> dict[str, int] | None:
        """Events lost while capturing, per cause; None when the trace does not say."""
        return self.totals.lost if self.totals else None


def describe(reader: NativeReader) -> TraceInfo:
    """Read a trace to its end and describe it."""
    metas, packed = [], 0
    for block in reader:
        metas.append(block.meta)
        packed += block.packed
    return TraceInfo(
        name=reader.name,
        header=reader.header,
        blocks=len(metas),
        records=sum(meta.count for meta in metas),
        raw_bytes=sum(meta.raw for meta in metas),
        packed_bytes=packed,
        file_bytes=reader.offset,
        first_ts=min((meta.first_ts for meta in metas if meta.first_ts), default=0),
        last_ts=max((meta.last_ts for meta in metas), default=0),
        totals=reader.totals,
        complete=reader.complete,
        cut_at=reader.cut_at,
        holes=tuple(reader.holes),
    )
