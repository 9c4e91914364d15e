"""Text output writes batches to the file it was given."""

from __future__ import annotations

import errno
import io
from pathlib import Path

import pytest

from sysdig_py.errors import OutputError
from sysdig_py.output.text import RESET, TextOutput, text_file


class _Counting(io.BytesIO):
    flushes = 0

    def flush(self) -> None:
        self.flushes += 1


def test_batches_are_written_in_order_and_flushed_on_request() -> None:
    file = _Counting()
    output = TextOutput(file, flush_each_batch=True)
    output.write(b"a\n")
    output.write(b"")
    output.write(b"b\n")
    assert (file.getvalue(), file.flushes) == (b"a\nb\n", 2)


def test_without_flushing_only_close_flushes() -> None:
    file = _Counting()
    output = TextOutput(file, flush_each_batch=False)
    output.write(b"a")
    assert file.flushes == 0
    output.close()
    assert file.flushes == 1


def test_a_terminal_gets_its_colour_back_after_the_events() -> None:
    for resets, expected in ((True, b"x" + RESET), (False, b"x")):
        file = io.BytesIO()
        output = TextOutput(file, flush_each_batch=False, resets_colour=resets)
        output.write(b"x")
        output.end_events()
        assert file.getvalue() == expected


class _Failing(io.BytesIO):
    def __init__(self, error: OSError) -> None:
        super().__init__()
        self._error = error

    def write(self, _text: object) -> int:
        raise self._error


def test_what_goes_wrong_with_writing_is_told_and_a_lost_reader_is_something_else() -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(OutputError, match="No space left on device"):
        TextOutput(_Failing(full), flush_each_batch=False).write(b"a")
    with pytest.raises(BrokenPipeError):
        TextOutput(_Failing(BrokenPipeError()), flush_each_batch=False).write(b"a")


def test_a_text_file_leaves_the_file_around_it_open() -> None:
    file = io.BytesIO()
    with text_file(file, encoding="utf-8", line_buffering=False) as out:
        out.write("ä\n")
    assert file.getvalue() == "ä\n".encode()


def test_what_goes_wrong_with_a_text_file_is_an_output_error() -> None:
    with Path("/dev/full").open("wb", buffering=0) as full:
        with (
            pytest.raises(OutputError, match="No space left"),
            text_file(full, encoding="utf-8", line_buffering=True) as out,
        ):
            out.write("line\n")
        with (
            pytest.raises(OutputError, match="No space left"),
            text_file(full, encoding="utf-8", line_buffering=False) as out,
        ):
            out.write("kept until the end")
