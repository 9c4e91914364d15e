"""Doing the next step of an iteration while the last one is being used: decompression beside the engine."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Final, Generic, TypeVar

Item = TypeVar("Item")

# A consumer that closes must not wait long for a thread that is stuck in a read from a silent pipe.
_JOIN_SECONDS: Final = 0.5
_POLL_SECONDS: Final = 0.1


class _End:
    """What the thread sends last: the error it met, if any."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error


class ReadAhead(Generic[Item]):
    """An iterator whose items are made by a thread, at most `depth` ahead.

    The thread starts with the first item asked for. Errors come out where they would have.
    """

    def __init__(self, items: Iterator[Item], depth: int = 2) -> None:
        """Take over `items`: nobody else may use it from now on."""
        self._items: Final = items
        self._ready: Final[queue.Queue[Item | _End]] = queue.Queue(depth)
        self._thread: Final = threading.Thread(target=self._run, name="trace-reader", daemon=True)
        self._stopped = False
        self._ended = False

    def __iter__(self) -> Iterator[Item]:
        """Return the iterator itself."""
        return self

    def __next__(self) -> Item:
        """Return the next item, waiting for it."""
        if self._ended or self._stopped:
            raise StopIteration
        if self._thread.ident is None:
            self._thread.start()
        item = self._ready.get()
        if not isinstance(item, _End):
            return item
        self._ended = True
        if item.error:
            raise item.error
        raise StopIteration

    def close(self) -> bool:
        """Stop the thread; False when it is stuck in a read and still owns what it reads."""
        self._stopped = True
        if self._thread.ident is not None:
            self._thread.join(_JOIN_SECONDS)
        return not self._thread.is_alive()

    def _run(self) -> None:
        error: Exception | None = None
        try:
            for item in self._items:
                if not self._put(item):
                    return
        except Exception as caught:  # noqa: BLE001 - raised again by __next__
            error = caught
        self._put(_End(error))

    def _put(self, item: Item | _End) -> bool:
        while not self._stopped:
            try:
                self._ready.put(item, timeout=_POLL_SECONDS)
                return True
            except queue.Full:
                continue
        return False
