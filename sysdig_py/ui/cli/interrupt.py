"""Ctrl-C and SIGTERM: an orderly end when the program can listen, and an end in any case.

Python hears of a signal between two of its own steps. A chisel that does not come back from a callback keeps it from
that, and compiled Lua looks at no hook. So a thread listens as well: when a signal is not heard for `GRACE_SECONDS`, or
comes a second time, it saves what was handed over so far and ends the process by that signal.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final

GRACE_SECONDS: Final = 2.0
_LOOK_SECONDS: Final = 0.05
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_MESSAGE: Final = b"sysdig-py: ended in the middle of a batch (an endless chisel?); what came before it is saved\n"

_rescues: list[Callable[[], object]] = []


@contextmanager
def saved_in_any_case(save: Callable[[], object]) -> Iterator[None]:
    """While the context lasts, have `save` called, from another thread, before a stuck process is ended."""
    _rescues.append(save)
    try:
        yield
    finally:
        _rescues.remove(save)


@contextmanager
def stop_signals() -> Iterator[list[int]]:
    """Turn Ctrl-C and SIGTERM into an entry of the list; a second one ends the process at once."""
    received: list[int] = []

    def remember(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        signal.signal(number, signal.SIG_DFL)

    before = {number: signal.signal(number, remember) for number in _SIGNALS}
    try:
        with _watched(received):
            yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _watched(received: list[int]) -> Iterator[None]:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    thread = threading.Thread(target=_watch, args=(reading, received), name="signals", daemon=True)
    thread.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.close(writing)
        thread.join()
        os.close(reading)


def _watch(reading: int, received: list[int]) -> None:
    while byte := os.read(reading, 1):
        if byte[0] in _SIGNALS and not _is_heard(reading, received):
            _end(byte[0])


def _is_heard(reading: int, received: list[int]) -> bool:
    """Wait until Python's own handler ran; not longer than the grace, nor than until the next signal."""
    for _ in range(int(GRACE_SECONDS / _LOOK_SECONDS)):
        if received:
            return True
        if select.select([reading], [], [], _LOOK_SECONDS)[0]:
            byte = os.read(reading, 1)
            return bool(received) or not byte
    return bool(received)


def _end(number: int) -> None:
    # only the main thread may call signal.signal, and that one is stuck
    ctypes.CDLL(None).signal(number, 0)
    with suppress(OSError):
        os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, _MESSAGE)
    for save in reversed(_rescues):
        with suppress(Exception):
            save()
    os.kill(os.getpid(), number)
