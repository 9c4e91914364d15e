"""Texts that another thread writes come in order, and what goes wrong with them is told."""

from __future__ import annotations

import io
import threading
from pathlib import Path

import pytest

from sysdig_py.errors import OutputError
from sysdig_py.output.behind import WriteBehind
from sysdig_py.output.text import TextOutput

LARGE = 64 << 10


def test_large_and_small_texts_come_in_order() -> None:
    file = io.BytesIO()
    output = TextOutput(file, flush_each_batch=True, behind=True)
    texts = [bytes([65 + number % 26]) * (LARGE if number % 3 else 5) for number in range(40)]
    for text in texts:
        output.write(memoryview(text))
    output.close()
    assert file.getvalue() == b"".join(texts)


def test_a_text_may_change_once_it_was_handed_over() -> None:
    file, text = io.BytesIO(), bytearray(b"a" * LARGE)
    output = TextOutput(file, flush_each_batch=False, behind=True)
    output.write(memoryview(text))
    text[:] = b"b" * LARGE
    output.settle()
    assert file.getvalue() == b"a" * LARGE


def test_the_caller_goes_on_while_a_text_is_written() -> None:
    going_on, written = threading.Event(), list[bytes]()

    def write(text: bytes) -> None:
        assert going_on.wait(10)
        written.append(text)

    behind = WriteBehind(write)
    behind.put(b"one")
    behind.put(b"two")
    assert not written
    going_on.set()
    behind.settle()
    assert written == [b"one", b"two"]


def test_what_goes_wrong_is_told_and_nothing_is_written_after_it() -> None:
    calls = list[bytes]()

    def write(text: bytes) -> None:
        calls.append(text)
        raise BrokenPipeError

    behind = WriteBehind(write)
    behind.put(b"one")
    with pytest.raises(BrokenPipeError):
        behind.settle()
    for again in (lambda: behind.put(b"two"), behind.settle):
        with pytest.raises(BrokenPipeError):
            again()
    assert calls == [b"one"]


def test_a_full_disk_is_an_output_error_here_too() -> None:
    with Path("/dev/full").open("wb") as full:
        output = TextOutput(full, flush_each_batch=True, behind=True)
        output.write(b"a" * LARGE)
        with pytest.raises(OutputError, match="No space left on device"):
            output.close()


def test_without_large_texts_no_thread_is_started() -> None:
    before = threading.active_count()
    output = TextOutput(io.BytesIO(), flush_each_batch=True, behind=True)
    output.write(b"a")
    output.close()
    assert threading.active_count() == before
