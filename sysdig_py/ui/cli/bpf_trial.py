"""Ask the kernel, by doing it, whether it lets this process trace.

The answer of a trial beats any reading of version numbers, capabilities and lockdown files: the
smallest program there is gets loaded and attached to a raw tracepoint, and a ring buffer is made.
Needs neither bcc nor headers, and leaves nothing behind.
"""

from __future__ import annotations

import os
import platform
import struct
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

from sysdig_py.capture import bpf

# r0 = 0; exit
_PROGRAM: Final = struct.pack("<BBhi", 0xB7, 0, 0, 0) + struct.pack("<BBhi", 0x95, 0, 0, 0)


def trial(tracepoint: str = "sys_exit") -> str:
    """Return "" when a program can be attached to `tracepoint` and a ring made, else what was refused and why."""
    if not bpf.is_known_machine():
        return f"the probe knows {' and '.join(bpf.MACHINES)} only, this is {platform.machine()}"
    with ExitStack() as opened:
        try:
            _keep(opened, "make a ring buffer", lambda: bpf.create_map(bpf.RINGBUF, 0, 0, os.sysconf("SC_PAGESIZE")))
            program = _keep(opened, "load a program", lambda: bpf.load_program("trial", _PROGRAM))
            _keep(opened, "attach a program", lambda: bpf.attach(tracepoint, program))
        except _RefusedError as refused:
            return str(refused)
    return ""


class _RefusedError(Exception):
    """What the kernel did not do."""


def _keep(opened: ExitStack, meaning: str, make: Callable[[], int]) -> int:
    """Make a descriptor that is closed when `opened` is."""
    try:
        descriptor = make()
    except OSError as error:
        raise _RefusedError(f"the kernel refused to {meaning}: {os.strerror(error.errno or 0)}") from error
    opened.callback(os.close, descriptor)
    return descriptor
