"""Writing a native trace: spans of records go to one thread that compresses and appends them as blocks.

After a write error nothing more is written; what the file holds stays readable.
"""

from __future__ import annotations

import os
import threading
import zlib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final

import zstandard

from sysdig_py.errors import TraceError
from sysdig_py.schema.events import SCHEMA_VERSION
from sysdig_py.schema.record import HEADER_SIZE, RECORD_VERSION
from sysdig_py.trace import format as fmt
from sysdig_py.trace.format import BlockMeta, IndexEntry, Kind, Stats, Totals
from sysdig_py.trace.index import IndexBuilder
from sysdig_py.trace.output_file import FrameSink, open_output
from sysdig_py.trace.span_queue import Span, SpanQueue

# Measured on read/write records: level 3 costs a fifth more time for 3% less file, and blocks
# above 512 KiB gain nothing, but put more at stake when a capture is killed.
LEVEL: Final = 1
BLOCK_BYTES: Final = 512 << 10
QUEUE_BYTES: Final = 32 << 20
FLUSH_SECONDS: Final = 1.0


class NativeWriter:
    """One trace being written.

    Attributes:
        name: what to call the file in messages.
        records: records in the blocks written so far.
        raw_bytes: their bytes before compression.
        bytes_written: size of the trace so far.
    """

    def __init__(
        self,
        file: BinaryIO | Path | str,
        header: Mapping[str, Any],
        *,
        level: int = LEVEL,
        block_bytes: int = BLOCK_BYTES,
        flush_seconds: float = FLUSH_SECONDS,
    ) -> None:
        """Write the header and start the thread.

        Args:
            file: a path ("-": standard output), or a file opened for binary writing.
            header: `make_header()` or more; what the format itself needs is added.
            level: zstd level.
            block_bytes: spans are joined into blocks of about this size.
            flush_seconds: no record waits longer than this for its block to fill.

        Raises:
            TraceError: the file cannot be opened or written.
        """
        is_path = isinstance(file, (str, Path))
        name = str(file) if is_path else str(getattr(file, "name", "trace"))
        self.name = "standard output" if name == "-" else name
        opened = open_output(file) if isinstance(file, (str, Path)) else file
        self._sink = FrameSink(opened)
        self._owns_file = is_path
        self._compressor = zstandard.ZstdCompressor(level=level)
        self._queue = SpanQueue(block_bytes, QUEUE_BYTES, flush_seconds)
        self._index = IndexBuilder()
        self._error: Exception | None = None
        self._closed = False
        self.records = 0
        self.raw_bytes = 0
        uid = os.urandom(16)
        self._seed = zlib.crc32(uid)
        self._write_header({**header, "uid": uid})
        self._thread = threading.Thread(target=self._run, name="trace-writer", daemon=True)
        self._thread.start()

    def __enter__(self) -> NativeWriter:
        """Return the writer."""
        return self

    def __exit__(self, _type: type[BaseException] | None, _value: object, _trace: TracebackType | None) -> None:
        """Leave a trace without a footer, unless `close` was called."""
        self.abort()

    @property
    def bytes_written(self) -> int:
        """Size of the trace so far."""
        return self._sink.offset

    def write_block(self, records: bytes, first_ts: int, last_ts: int, count: int) -> None:
        """Append a span of whole records.

        Args:
            records: the span; must not change afterwards.
            first_ts: lowest time stamp in it, 0 when no record has one.
            last_ts: highest time stamp in it.
            count: number of records.

        Raises:
            TraceError: an earlier span could not be written (disk full, reader gone, ...).
        """
        self._raise_error()
        if len(records) > fmt.MAX_BLOCK_RAW or count * HEADER_SIZE > len(records):
            raise ValueError(f"a span of {len(records)} bytes with {count} records")
        if count > 0:
            self._queue.put(Span(records, first_ts, last_ts, count))

    def close(self, stats: Stats) -> None:
        """Write what is pending, then the footer.

        Raises:
            TraceError: something could not be written; the trace then has no footer.
        """
        if self._closed:
            return
        try:
            self._stop()
            self._raise_error()
            self._write_footer(stats)
        finally:
            self._close_file()

    def abort(self) -> None:
        """Write what is pending and no footer; for a capture that ends in an error."""
        if not self._closed:
            self._stop()
            self._close_file()

    def _write_header(self, header: dict[str, Any]) -> None:
        own = {"format": fmt.FORMAT_VERSION, "record_version": RECORD_VERSION, "schema_version": SCHEMA_VERSION}
        frame = fmt.pack_frame(Kind.HEADER, {**header, **own})
        try:
            self._sink.write(fmt.MAGIC + frame)
        except OSError as error:
            self._error = error
            self._close_file()
            self._raise_error()

    def _run(self) -> None:
        try:
            while spans := self._queue.take():
                self._write(spans)
        except Exception as error:  # noqa: BLE001 - raised again in the caller's thread
            self._error = error
            self._queue.close()

    def _write(self, spans: list[Span]) -> None:
        records = spans[0].records if len(spans) == 1 else b"".join(span.records for span in spans)
        first_ts = min((span.first_ts for span in spans if span.first_ts), default=0)
        last_ts = max(span.last_ts for span in spans)
        count = sum(span.count for span in spans)
        entry = IndexEntry(self._sink.offset, first_ts, last_ts, count)
        meta = BlockMeta(len(records), count, self.records, first_ts, last_ts)
        self._sink.write(fmt.pack_block(meta, self._compressor.compress(records), self._seed))
        self._index.add(entry)
        self.records += count
        self.raw_bytes += len(records)

    def _write_footer(self, stats: Stats) -> None:
        offset = self._sink.offset
        meta = {**asdict(Totals.of(stats)), "records": self.records, "raw": self.raw_bytes}
        frame = fmt.pack_frame(Kind.FOOTER, meta, self._index.pack(), self._seed)
        try:
            self._sink.write(frame + fmt.pack_trailer(offset))
        except OSError as error:
            self._error = error
            self._raise_error()

    def _stop(self) -> None:
        self._queue.close()
        self._thread.join()

    def _close_file(self) -> None:
        self._closed = True
        if self._owns_file:
            self._sink.close()

    def _raise_error(self) -> None:
        if self._error:
            where = f"{self.name}: write failed at byte {self._sink.offset}"
            raise TraceError(f"{where}: {getattr(self._error, 'strerror', None) or self._error}") from self._error
