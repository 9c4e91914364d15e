"""Text output: what goes wrong with writing it is one error, whoever writes and wherever it shows up."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO, Final

from sysdig_py.errors import OutputError
from sysdig_py.output.behind import WriteBehind

# a terminal keeps the colour it was told last: after the events of a source it gets its own back
RESET: Final = b"\x1b[00m"
# bytes of a text that are worth another thread
_LARGE: Final = 32 << 10


@contextmanager
def writing() -> Iterator[None]:
    """Raise what goes wrong with writing inside as `OutputError`; a reader that has gone stays a BrokenPipeError."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"output: {error.strerror}: the rest of it is lost -> write it elsewhere") from error


class TextFile(io.TextIOWrapper):
    """A text file for those who print by themselves; `write` and `flush` raise as `TextOutput.write` does."""

    def write(self, text: str, /) -> int:
        """Write text.

        Raises:
            BrokenPipeError: the reader has gone.
            OutputError: it cannot be written for another reason.
        """
        with writing():
            return super().write(text)

    def flush(self) -> None:
        """Hand everything to the operating system; raises as `write` does."""
        with writing():
            super().flush()


@contextmanager
def text_file(file: BinaryIO, *, encoding: str, line_buffering: bool) -> Iterator[TextFile]:
    """Give a text file around `file`, which stays open when the block ends."""
    text = TextFile(file, encoding=encoding, errors="replace", line_buffering=line_buffering)
    try:
        yield text
        text.flush()
    finally:
        _part(text)


def _part(text: TextFile) -> None:
    # flushes, and what cannot be written was told before
    with suppress(OSError, OutputError):
        text.detach()


class TextOutput:
    """Writes finished text to one binary file object, once per batch."""

    def __init__(
        self, file: BinaryIO, *, flush_each_batch: bool, resets_colour: bool = False, behind: bool = False
    ) -> None:
        """Write to `file`.

        Args:
            file: stays open.
            flush_each_batch: a person or a pipe reads along.
            resets_colour: the events of a source end with the terminal's own colour.
            behind: a thread writes large batches. They are in the file, and what is wrong with them is known, after
                `settle` or `close`.
        """
        self._file = file
        self._flush_each_batch = flush_each_batch
        self._resets_colour = resets_colour
        self._behind = WriteBehind(self._write) if behind else None

    def write(self, text: bytes | memoryview) -> None:
        """Write one batch of text; an empty one costs nothing.

        Raises:
            BrokenPipeError: the reader has gone.
            OutputError: it cannot be written for another reason.
        """
        if not text:
            return
        if self._behind and len(text) >= _LARGE:
            self._behind.put(bytes(text))
            return
        self.settle()
        self._write(text)

    def _write(self, text: bytes | memoryview) -> None:
        with writing():
            self._file.write(text)
            if self._flush_each_batch:
                self._file.flush()

    def end_events(self) -> None:
        """All events of a source were written."""
        if self._resets_colour:
            self.write(RESET)

    def settle(self) -> None:
        """Wait until everything is in the file; raises as `write` does."""
        if self._behind:
            self._behind.settle()

    def close(self) -> None:
        """Hand everything to the operating system; the file object stays open."""
        self.settle()
        with writing():
            self._file.flush()
