"""A capture in several files, each of which replays alone: one after the other, or the last seconds when asked for.

The engine tells of each file what its events need (`Engine.begin_file`), so any of them can be the first.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import zstandard

from sysdig_py.trace.background import BackgroundWriter
from sysdig_py.trace.format import Stats, Totals
from sysdig_py.trace.span_queue import Span

# of what waits to be compressed, before anything of the file was
_GUESSED_RATIO: Final = 0.2
# of compressed records that `LastSeconds` holds, however short they were in coming
LAST_BYTES: Final = 256 << 20
_SEGMENTS: Final = 20
_LEVEL: Final = 1


@dataclass(frozen=True, slots=True)
class FileLimits:
    """When a file is full; 0 for no such limit.

    Attributes:
        size: bytes in the file.
        seconds: event time.
        events: accepted events.
        files: this many files are kept, the oldest make room.
    """

    size: int = 0
    seconds: float = 0.0
    events: int = 0
    files: int = 0


class FileNames:
    """Names of the files of a series, as sysdig gives them, and the end of those that are too many."""

    def __init__(self, name: str, limits: FileLimits) -> None:
        """Make names of `name`: a time pattern when files are cut by time and it has a `%`, else with an index."""
        self._name: Final = name
        self._limits: Final = limits
        self._by_time: Final = bool(limits.seconds) and "%" in name
        self._index = 0
        self._made: deque[str] = deque()

    def next(self, ts: int) -> str:
        """Return the name of the file that begins with an event at `ts`, ns since the epoch."""
        if self._by_time:
            name = time.strftime(self._name, time.localtime(ts // 10**9))
            if not self._made or self._made[-1] != name:
                self._made.append(name)
            self._remove_old()
            return name
        kept = self._limits.files
        index = self._index % kept if kept else self._index
        self._index += 1
        width = len(str(kept)) if kept and self._limits.size and not self._limits.events else 0
        return f"{self._name}{index:0{width}d}"

    def _remove_old(self) -> None:
        while self._limits.files and len(self._made) > self._limits.files:
            with suppress(OSError):
                Path(self._made.popleft()).unlink()


class FileSeries(ABC):
    """Takes the records of a capture like a writer, and is told when the next file begins."""

    def __init__(
        self, open_file: Callable[[str], BackgroundWriter], names: FileNames, stats: Callable[[], Stats]
    ) -> None:
        """Open files with `open_file`; `stats` is asked for the capture's counts."""
        self._open: Final = open_file
        self._names: Final = names
        self._stats: Final = stats

    limits: FileLimits
    needs_users_first: bool

    @abstractmethod
    def write_block(self, records: bytes, first_ts: int, last_ts: int, count: int) -> None:
        """Take a span of whole records; see `BackgroundWriter.write_block`."""

    @abstractmethod
    def next_file(self) -> None:
        """Begin another file with what comes."""

    @abstractmethod
    def is_full(self) -> bool:
        """Whether the file has the size that it may have."""

    def after_batch(self, *, triggered: bool) -> bool:
        """Do what is due between batches; `triggered`: an event was met that is worth a file.

        Returns:
            Whether what comes must stand on its own from now on.
        """
        del triggered
        return False

    @abstractmethod
    def close(self, stats: Stats) -> None:
        """End the last file."""

    @abstractmethod
    def abort(self) -> None:
        """End the last file in a hurry."""


class RotatedFiles(FileSeries):
    """One file after the other."""

    def __init__(
        self,
        open_file: Callable[[str], BackgroundWriter],
        names: FileNames,
        stats: Callable[[], Stats],
        limits: FileLimits,
        *,
        needs_users_first: bool,
    ) -> None:
        """Begin a new file whenever one of the `limits` is reached."""
        super().__init__(open_file, names, stats)
        self.limits = limits
        self.needs_users_first = needs_users_first
        self._file: BackgroundWriter | None = None
        self._before = Totals(0, 0, {}, 0.0)
        self._given = 0
        self._waiting: list[Span] = []

    def write_block(self, records: bytes, first_ts: int, last_ts: int, count: int) -> None:
        """Write to the file in hand; one is opened when an event comes for it."""
        span = Span(records, first_ts, last_ts, count)
        if self._file is None:
            self._waiting.append(span)
            if not first_ts:
                return
            self._file = self._open(self._names.next(first_ts))
            waiting, self._waiting = self._waiting, []
        else:
            waiting = [span]
        for each in waiting:
            self._given += len(each.records)
            self._file.write_block(each.records, each.first_ts, each.last_ts, each.count)

    def is_full(self) -> bool:
        """Whether the file, with what waits to be compressed, has its size."""
        if not self.limits.size or self._file is None:
            return False
        ratio = self._file.bytes_written / self._file.raw_bytes if self._file.raw_bytes else _GUESSED_RATIO
        return self._file.bytes_written + ratio * (self._given - self._file.raw_bytes) >= self.limits.size

    def next_file(self) -> None:
        """End the file in hand."""
        if self._file is not None:
            self._end_file(self._stats())

    def close(self, stats: Stats) -> None:
        """End the last file."""
        if self._file is not None:
            self._end_file(stats)

    def abort(self) -> None:
        """End the last file in a hurry."""
        if self._file is not None:
            self._file.abort()

    def _end_file(self, stats: Stats) -> None:
        assert self._file is not None
        now, before = Totals.of(stats), self._before
        lost = {cause: count - before.lost.get(cause, 0) for cause, count in now.lost.items()}
        file, self._file, self._before, self._given = self._file, None, now, 0
        file.close(Totals(now.events - before.events, now.bytes - before.bytes, lost, now.seconds - before.seconds))


@dataclass(slots=True)
class _Segment:
    """A stretch of a few seconds that stands on its own: spans, compressed in the background."""

    spans: list[tuple[Future[bytes], Span]] = field(default_factory=list)
    first_ts: int = 0
    last_ts: int = 0


class LastSeconds(FileSeries):
    """Keeps the last seconds in memory and writes them to a file when asked to."""

    def __init__(
        self,
        open_file: Callable[[str], BackgroundWriter],
        names: FileNames,
        stats: Callable[[], Stats],
        seconds: float,
        *,
        needs_users_first: bool,
        on_file: Callable[[str, float], None],
        settle: float = 0.0,
    ) -> None:
        """Keep `seconds` of event time, and at most LAST_BYTES of compressed records.

        `on_file` is told the name of each file that was written, and the seconds in it. A wish is fulfilled `settle`
        seconds later: what had happened by then has come through the ring.
        """
        super().__init__(open_file, names, stats)
        self.limits = FileLimits(seconds=seconds / _SEGMENTS)
        self.needs_users_first = needs_users_first
        self._keep_ns: Final = int(seconds * 1e9)
        self._segments: deque[_Segment] = deque([_Segment()])
        self._pool: Final = ThreadPoolExecutor(1, "last-seconds")
        self._compressor: Final = zstandard.ZstdCompressor(level=_LEVEL)
        self._wanted = False
        self._wanted_at = 0.0
        self._settle: Final = settle
        self._on_file: Final = on_file

    def want(self) -> None:
        """Have what is kept written as soon as the batch in hand is done; may be called from a signal handler."""
        self._wanted, self._wanted_at = True, time.monotonic()

    def write_block(self, records: bytes, first_ts: int, last_ts: int, count: int) -> None:
        """Keep a span."""
        segment = self._segments[-1]
        span = Span(b"", first_ts, last_ts, count)
        segment.spans.append((self._pool.submit(self._compressor.compress, records), span))
        if first_ts:
            segment.first_ts = segment.first_ts or first_ts
            segment.last_ts = max(segment.last_ts, last_ts)
        self._forget()

    def next_file(self) -> None:
        """Begin the next stretch."""
        self._segments.append(_Segment())

    def is_full(self) -> bool:
        """Return False: stretches are ended by time."""
        return False

    def after_batch(self, *, triggered: bool) -> bool:
        """Write a file when somebody wants one; True when it was."""
        if not triggered and not (self._wanted and time.monotonic() - self._wanted_at >= self._settle):
            return False
        self._wanted = False
        self._write()
        return True

    def close(self, stats: Stats) -> None:
        """Write what was asked for and was not written yet, else nothing."""
        if self._wanted:
            self._write(stats)
        self._pool.shutdown()

    def abort(self) -> None:
        """Let go of everything."""
        self._pool.shutdown(wait=False)

    def _forget(self) -> None:
        newest = self._segments[-1].last_ts
        while len(self._segments) > 1 and self._segments[0].last_ts < newest - self._keep_ns:
            self._segments.popleft()
        while len(self._segments) > 1 and self._bytes() > LAST_BYTES:
            self._segments.popleft()

    def _bytes(self) -> int:
        futures = [future for segment in self._segments for future, _ in segment.spans]
        return sum(len(future.result()) for future in futures if future.done())

    def _write(self, stats: Stats | None = None) -> None:
        """Write what is kept to the next file, and forget it: no event is in two files."""
        segments, self._segments = self._segments, deque([_Segment()])
        spans = [entry for segment in segments for entry in segment.spans]
        first_ts = next((segment.first_ts for segment in segments if segment.first_ts), 0)
        if not first_ts:
            return
        name = self._names.next(first_ts)
        writer = self._open(name)
        decompressor = zstandard.ZstdDecompressor()
        for future, span in spans:
            writer.write_block(decompressor.decompress(future.result()), span.first_ts, span.last_ts, span.count)
        last_ts = max(segment.last_ts for segment in segments)
        events, lost = sum(span.count for _, span in spans), dict((stats or self._stats()).lost)
        writer.close(Totals(events, 0, lost, (last_ts - first_ts) / 1e9))
        self._on_file(name, (last_ts - first_ts) / 1e9)
