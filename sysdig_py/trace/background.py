"""What the writers of all formats share: a thread that takes spans of records and appends what it makes of them.

After a write error nothing more is written; what the file holds stays readable.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final

from sysdig_py.errors import TraceError
from sysdig_py.schema.record import HEADER_SIZE
from sysdig_py.trace import heap
from sysdig_py.trace.format import MAX_BLOCK_RAW, Stats
from sysdig_py.trace.output_file import FrameSink, open_output
from sysdig_py.trace.span_queue import Span, SpanQueue

QUEUE_BYTES: Final = 32 << 20


class BackgroundWriter(ABC):
    """One file being written.

    Attributes:
        name: what to call the file in messages.
        records: records written so far.
        raw_bytes: their bytes.
        needs_users_first: the format has no place for users once an event was written.
    """

    needs_users_first = False

    def __init__(self, file: BinaryIO | Path | str, block_bytes: int, flush_seconds: float) -> None:
        """Open the file; `_begin` starts the thread.

        Args:
            file: a path ("-": standard output), or a file opened for binary writing.
            block_bytes: spans are joined until they have about this size.
            flush_seconds: no record waits longer than this for others to join it.

        Raises:
            TraceError: the file cannot be opened.
        """
        is_path = isinstance(file, (str, Path))
        name = str(file) if is_path else str(getattr(file, "name", "trace"))
        self.name = "standard output" if name == "-" else name
        opened = open_output(file) if isinstance(file, (str, Path)) else file
        heap.keep_freed()
        self._sink: Final = FrameSink(opened)
        self._owns_file = is_path
        self._queue: Final = SpanQueue(block_bytes, QUEUE_BYTES, flush_seconds)
        self._thread: Final = threading.Thread(target=self._run, name="trace-writer", daemon=True)
        self._error: Exception | None = None
        self._closed = False
        self.records = 0
        self.raw_bytes = 0

    def __enter__(self) -> BackgroundWriter:
        """Return the writer."""
        return self

    def __exit__(self, _type: type[BaseException] | None, _value: object, _trace: TracebackType | None) -> None:
        """Leave a file that says it is not complete, unless `close` was called."""
        self.abort()

    @property
    def bytes_written(self) -> int:
        """Size of the file so far."""
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
        if len(records) > MAX_BLOCK_RAW or count * HEADER_SIZE > len(records):
            raise ValueError(f"a span of {len(records)} bytes with {count} records")
        if count > 0:
            self._queue.put(Span(records, first_ts, last_ts, count))

    def close(self, stats: Stats) -> None:
        """Write what is pending, then the end.

        Raises:
            TraceError: something could not be written; the file then has no proper end.
        """
        if self._closed:
            return
        try:
            self._stop()
            self._raise_error()
            self._guarded(lambda: self._finish(stats))
        finally:
            self._close_file()

    def abort(self) -> None:
        """Write what is pending and no end; for a capture that ends in an error."""
        if not self._closed:
            self._stop()
            self._close_file()

    @abstractmethod
    def _start(self) -> None:
        """Write what the file begins with."""

    @abstractmethod
    def _write(self, spans: list[Span]) -> None:
        """Write spans; in the thread."""

    @abstractmethod
    def _finish(self, stats: Stats) -> None:
        """Write what the file ends with."""

    def _begin(self) -> None:
        """Write the start of the file and start the thread; closes the file when that fails.

        Raises:
            TraceError: it cannot be written.
        """
        try:
            self._guarded(self._start)
        except TraceError:
            self._close_file()
            raise
        self._thread.start()

    def _guarded(self, step: Callable[[], None]) -> None:
        try:
            step()
        except OSError as error:
            self._error = error
            self._raise_error()

    def _run(self) -> None:
        try:
            while spans := self._queue.take():
                self._write(spans)
                self.records += sum(span.count for span in spans)
                self.raw_bytes += sum(len(span.records) for span in spans)
        except Exception as error:  # noqa: BLE001 - raised again in the caller's thread
            self._error = error
            self._queue.close()

    def _stop(self) -> None:
        self._queue.close()
        if self._thread.ident is not None:
            self._thread.join()

    def _close_file(self) -> None:
        self._closed = True
        if self._owns_file:
            self._sink.close()

    def _raise_error(self) -> None:
        if self._error:
            where = f"{self.name}: write failed at byte {self._sink.offset}"
            raise TraceError(f"{where}: {getattr(self._error, 'strerror', None) or self._error}") from self._error
