"""Entries of single calls, by tracepoints that each call has of its own.

The tracepoint of all entries costs every call of the machine the run of a program. These cost other calls than
their own next to nothing (7 of 240 ns measured): the kernel looks the number up in a bitmap. They are perf
events with numbers that only tracefs tells.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from typing import Final

from sysdig_py.capture import bpf

_FOLDER: Final = "/sys/kernel/tracing"
# the same numbers on every architecture; from linux/mount.h
_FSOPEN, _FSCONFIG, _FSMOUNT = 430, 431, 432
_FSCONFIG_CMD_CREATE: Final = 6
_libc: Final = ctypes.CDLL(None, use_errno=True)


def open_entries(calls: Iterable[str]) -> list[int]:
    """Return descriptors of the tracepoints of the entries of calls (`bpf.open_event`).

    Raises:
        OSError: the kernel has none, or this process may not use them.
    """
    events: list[int] = []
    with ExitStack() as opened:
        for number in _numbers(calls):
            events.append(bpf.open_event(number))
            opened.callback(os.close, events[-1])
        opened.pop_all()
    return events


def _numbers(calls: Iterable[str]) -> list[int]:
    folder = _tracefs()
    try:
        return [_number(folder, call) for call in calls]
    finally:
        os.close(folder)


def _number(folder: int, call: str) -> int:
    file = os.open(f"events/syscalls/sys_enter_{call}/id", os.O_RDONLY, dir_fd=folder)
    try:
        return int(os.read(file, 32))
    finally:
        os.close(file)


def _tracefs() -> int:
    """Return the root of tracefs; where it is not mounted, one that only this descriptor leads to."""
    with suppress(OSError):
        folder = os.open(_FOLDER, os.O_PATH | os.O_DIRECTORY)
        with suppress(OSError):
            os.stat("events", dir_fd=folder)
            return folder
        os.close(folder)
    system = _call(_FSOPEN, b"tracefs", 0)
    try:
        _call(_FSCONFIG, system, _FSCONFIG_CMD_CREATE, None, None, 0)
        return _call(_FSMOUNT, system, 0, 0)
    finally:
        os.close(system)


def _call(number: int, *arguments: bytes | int | None) -> int:
    words = [ctypes.c_long(word) if isinstance(word, int) else word for word in arguments]
    result: int = _libc.syscall(ctypes.c_long(number), *words)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
