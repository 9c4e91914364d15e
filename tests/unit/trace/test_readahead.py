import os
import threading
import time
from collections.abc import Iterator

import pytest

from sysdig_py.trace.readahead import ReadAhead


def test_items_come_in_order_and_end() -> None:
    ahead = ReadAhead(iter(range(100)))
    assert list(ahead) == list(range(100))
    assert list(ahead) == []
    assert ahead.close()


def test_an_error_comes_after_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    ahead = ReadAhead(items())
    assert next(ahead) == 1
    with pytest.raises(OSError, match="gone"):
        next(ahead)
    with pytest.raises(StopIteration):
        next(ahead)


def test_the_thread_works_ahead_but_not_far() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    ahead = ReadAhead(items(), depth=2)
    assert made == []
    assert next(ahead) == 0
    deadline = time.monotonic() + 5
    while len(made) < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)
    assert len(made) == 4
    assert ahead.close()
    assert list(ahead) == []


def test_closing_does_not_wait_for_a_silent_pipe() -> None:
    read_end, write_end = os.pipe()
    ahead = ReadAhead(iter(lambda: os.read(read_end, 1), b""))
    os.write(write_end, b"x")
    assert next(ahead) == b"x"
    assert not ahead.close()
    os.close(write_end)
    ahead._thread.join(5)
    assert ahead.close()
    os.close(read_end)


def test_nothing_runs_before_the_first_item_is_asked_for() -> None:
    before = threading.active_count()
    ahead = ReadAhead(iter([1]))
    assert threading.active_count() == before
    assert ahead.close()
