"""Text output: bytes the engine has finished, written to a file object that was passed in."""

from __future__ import annotations

from typing import BinaryIO, Final

# a terminal keeps the colour it was told last: after the events of a source it gets its own back
RESET: Final = b"\x1b[00m"


class TextOutput:
    """Writes finished text to one binary file object, once per batch."""

    def __init__(self, file: BinaryIO, *, flush_each_batch: bool, resets_colour: bool = False) -> None:
        """Write to `file`; flush after every batch when a person or a pipe reads along."""
        self._file = file
        self._flush_each_batch = flush_each_batch
        self._resets_colour = resets_colour

    def write(self, text: bytes) -> None:
        """Write one batch of text; an empty one costs nothing."""
        if not text:
            return
        self._file.write(text)
        if self._flush_each_batch:
            self._file.flush()

    def end_events(self) -> None:
        """All events of a source were written."""
        if self._resets_colour:
            self.write(RESET)

    def close(self) -> None:
        """Hand everything to the operating system; the file object stays open."""
        self._file.flush()
