"""The hand-over between the thread that captures and the thread that compresses.

Bounded by bytes; small spans are handed out together once they make a block or have waited long enough.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Final

from sysdig_py.trace.format import MAX_BLOCK_RAW


@dataclass(frozen=True, slots=True)
class Span:
    """Whole records, their lowest and highest time stamp (0: none) and their number."""

    records: bytes
    first_ts: int
    last_ts: int
    count: int


class SpanQueue:
    """One producer, one consumer."""

    def __init__(self, block_bytes: int, max_bytes: int, max_wait: float) -> None:
        """Hand out `block_bytes` at a time, or less after `max_wait` seconds; hold about `max_bytes`."""
        self._block_bytes: Final = block_bytes
        self._max_bytes: Final = max_bytes
        self._max_wait: Final = max_wait
        self._spans: deque[Span] = deque()
        self._bytes = 0
        self._oldest = 0.0
        self._closed = False
        self._changed: Final = threading.Condition()

    def put(self, span: Span) -> None:
        """Add a span; waits while the queue is full. After `close` spans are dropped."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._bytes < self._max_bytes)
            if self._closed:
                return
            if not self._spans:
                self._oldest = time.monotonic()
            self._spans.append(span)
            self._bytes += len(span.records)
            self._changed.notify_all()

    def take(self) -> list[Span]:
        """Return the spans of the next block; waits for them. [] after `close`, when all were taken."""
        with self._changed:
            while not self._is_due():
                self._changed.wait(self._wait_left() if self._spans else None)
            spans = self._pop()
            self._oldest = time.monotonic()
            self._changed.notify_all()
            return spans

    @property
    def fill(self) -> float:
        """How much of its room is taken, 0 to 1."""
        return self._bytes / self._max_bytes

    def close(self) -> None:
        """Take no more spans, and let nobody wait."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _is_due(self) -> bool:
        return self._closed or self._bytes >= self._block_bytes or (bool(self._spans) and self._wait_left() <= 0)

    def _wait_left(self) -> float:
        return self._oldest + self._max_wait - time.monotonic()

    def _pop(self) -> list[Span]:
        spans, size = list[Span](), 0
        while self._spans and size < self._block_bytes and size + len(self._spans[0].records) <= MAX_BLOCK_RAW:
            spans.append(self._spans.popleft())
            size += len(spans[-1].records)
        self._bytes -= size
        return spans
