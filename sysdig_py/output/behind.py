"""Writing large texts beside the engine: whoever reads them takes as long as it likes, and the engine goes on."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Final


class WriteBehind:
    """Texts that a thread writes, in their order; one is written, one waits, and who brings another waits as well.

    What goes wrong comes out of the next call; nothing is written after that.
    """

    def __init__(self, write: Callable[[bytes], None]) -> None:
        """Have texts written by `write`; the thread starts with the first of them."""
        self._write: Final = write
        self._texts: Final[queue.Queue[bytes]] = queue.Queue(1)
        self._thread: Final = threading.Thread(target=self._run, name="text-writer", daemon=True)
        self._error: Exception | None = None

    def put(self, text: bytes) -> None:
        """Have a text written soon; raises what `write` raised for an earlier one."""
        self._raise_error()
        if self._thread.ident is None:
            self._thread.start()
        self._texts.put(text)

    def settle(self) -> None:
        """Wait until everything was written; raises what `write` raised."""
        self._texts.join()
        self._raise_error()

    def _raise_error(self) -> None:
        if self._error:
            raise self._error

    def _run(self) -> None:
        while True:
            text = self._texts.get()
            try:
                if not self._error:
                    self._write(text)
            except Exception as error:  # noqa: BLE001 - raised again in the caller's thread
                self._error = error
            finally:
                self._texts.task_done()
