"""Text output: bytes the engine has finished, written to a file object that was passed in."""

from __future__ import annotations

from typing import BinaryIO, Final

# A terminal keeps the colour of the last cell: sysdig ends each line it prints to one with this.
RESET: Final = b"\x1b[00m"


class TextOutput:
    """Writes finished text to one binary file object, once per batch."""

    def __init__(self, file: BinaryIO, *, flush_each_batch: bool) -> None:
        """Write to `file`; flush after every batch when a person or a pipe reads along."""
        self._file = file
        self._flush_each_batch = flush_each_batch

    def write(self, text: bytes) -> None:
        """Write one batch of text; an empty one costs nothing."""
        if not text:
            return
        self._file.write(text)
        if self._flush_each_batch:
            self._file.flush()

    def close(self) -> None:
        """Hand everything to the operating system; the file object stays open."""
        self._file.flush()
