"""The index of a trace: where its blocks are and what time they cover. Its size is bounded for any length of trace."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import zstandard

from sysdig_py.trace import format as fmt
from sysdig_py.trace.format import FormatError, IndexEntry


class IndexBuilder:
    """Collects one entry per block; when there are too many, neighbours are merged."""

    def __init__(self, limit: int = fmt.MAX_INDEX_ENTRIES) -> None:
        """Keep at most `limit` entries (an even number)."""
        self._limit: Final = limit
        self._entries: list[IndexEntry] = []
        self._blocks_per_entry = 1
        self._blocks_in_last = 0

    def add(self, entry: IndexEntry) -> None:
        """Add the next block."""
        if self._entries and self._blocks_in_last < self._blocks_per_entry:
            self._entries[-1] = merge(self._entries[-1], entry)
            self._blocks_in_last += 1
            return
        if len(self._entries) == self._limit:
            self._halve()
        self._entries.append(entry)
        self._blocks_in_last = 1

    def pack(self) -> bytes:
        """Return the footer's payload: the entries, compressed."""
        raw = b"".join(fmt.INDEX_ENTRY.pack(e.offset, e.first_ts, e.last_ts, e.count) for e in self._entries)
        return zstandard.ZstdCompressor(level=3).compress(raw)

    def _halve(self) -> None:
        pairs = zip(self._entries[::2], self._entries[1::2], strict=True)
        self._entries = [merge(a, b) for a, b in pairs]
        self._blocks_per_entry *= 2


def merge(first: IndexEntry, second: IndexEntry) -> IndexEntry:
    """Return the entry that covers both; a time of 0 means that there is none."""
    starts = [ts for ts in (first.first_ts, second.first_ts) if ts]
    last = max(first.last_ts, second.last_ts)
    return IndexEntry(first.offset, min(starts, default=0), last, first.count + second.count)


def parse(payload: bytes) -> tuple[IndexEntry, ...]:
    """Decode a footer's payload.

    Raises:
        FormatError: not an index, or one beyond the limits.
    """
    limit = fmt.MAX_INDEX_ENTRIES * fmt.INDEX_ENTRY.size
    raw = decompress(payload, limit)
    if len(raw) % fmt.INDEX_ENTRY.size:
        raise FormatError("an index of a broken length")
    entries = tuple(IndexEntry(*row) for row in fmt.INDEX_ENTRY.iter_unpack(raw))
    if any(a.offset >= b.offset for a, b in pairwise(entries)):
        raise FormatError("an index that is not in file order")
    return entries


def decompress(payload: bytes, limit: int) -> bytes:
    """Decompress one zstd frame whose stated size is at most `limit`."""
    try:
        size = zstandard.get_frame_parameters(payload).content_size
        if size > limit:
            raise FormatError(f"{size} bytes when decompressed, the limit is {limit}")
        return zstandard.ZstdDecompressor(max_window_size=fmt.MAX_BLOCK_RAW).decompress(payload)
    except zstandard.ZstdError as error:
        raise FormatError(f"not decompressible: {error}") from error
