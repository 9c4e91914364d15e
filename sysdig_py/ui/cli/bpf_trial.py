"""Ask the kernel, by doing it, whether it lets this process trace.

The answer of a trial beats any reading of version numbers, capabilities and lockdown files: the
smallest program there is gets loaded and attached to a raw tracepoint, and a ring buffer is made.
Needs neither bcc nor headers, and leaves nothing behind.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from contextlib import ExitStack
from typing import Final

_SYSCALL_NUMBERS: Final = {"x86_64": 321, "aarch64": 280}
_MAP_CREATE, _PROG_LOAD, _RAW_TRACEPOINT_OPEN = 0, 5, 17
_MAP_TYPE_RINGBUF, _PROG_TYPE_RAW_TRACEPOINT = 27, 17
_ATTR_SIZE: Final = 72

# r0 = 0; exit
_PROGRAM: Final = struct.pack("<BBhi", 0xB7, 0, 0, 0) + struct.pack("<BBhi", 0x95, 0, 0, 0)


def trial(tracepoint: str = "sys_exit") -> str:
    """Return "" when a program can be attached to `tracepoint` and a ring made, else what was refused and why."""
    if platform.machine() not in _SYSCALL_NUMBERS:
        return f"the probe knows x86_64 and aarch64 only, this is {platform.machine()}"
    with ExitStack() as opened:
        for meaning, step in (("make a ring buffer", _make_ring), ("attach a program", _attach)):
            try:
                step(opened, tracepoint)
            except OSError as error:
                return f"the kernel refused to {meaning}: {error.strerror}"
    return ""


def _make_ring(opened: ExitStack, _: str) -> None:
    _bpf(opened, _MAP_CREATE, struct.pack("<IIII", _MAP_TYPE_RINGBUF, 0, 0, os.sysconf("SC_PAGESIZE")))


def _attach(opened: ExitStack, tracepoint: str) -> None:
    code, licence = ctypes.create_string_buffer(_PROGRAM), ctypes.create_string_buffer(b"GPL")
    name = ctypes.create_string_buffer(tracepoint.encode())
    addresses = ctypes.addressof(code), ctypes.addressof(licence)
    program = _bpf(opened, _PROG_LOAD, struct.pack("<IIQQ", _PROG_TYPE_RAW_TRACEPOINT, 2, *addresses))
    _bpf(opened, _RAW_TRACEPOINT_OPEN, struct.pack("<QI", ctypes.addressof(name), program))


def _bpf(opened: ExitStack, command: int, attributes: bytes) -> int:
    """Call bpf(2); the file descriptor it returns is closed when `opened` is."""
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(attributes, _ATTR_SIZE)
    fd: int = libc.syscall(_SYSCALL_NUMBERS[platform.machine()], command, buffer, _ATTR_SIZE)
    if fd < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    opened.callback(os.close, fd)
    return fd
