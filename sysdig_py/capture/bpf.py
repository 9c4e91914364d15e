"""bpf(2) as this project needs it: make maps, load programs, attach them; knows nothing of what they do.

Every descriptor is the caller's to close. A call the kernel refuses raises OSError.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import platform
import resource
import struct
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

TRACEPOINT: Final = 5
RAW_TRACEPOINT: Final = 17
RINGBUF: Final = 27
ARRAY_OF_MAPS: Final = 12
_MAP_CREATE, _MAP_UPDATE, _PROG_LOAD, _RAW_TRACEPOINT_OPEN, _MAP_UPDATE_BATCH = 0, 2, 5, 17, 26
_OBJ_GET_INFO_BY_FD, _ENABLE_STATS, _STATS_RUN_TIME = 15, 32, 0
_INFO_SIZE: Final = 256
# places in struct bpf_prog_info: xlated_prog_len, run_time_ns with run_cnt behind it
_LOADED_SIZE_AT: Final = 20
_RUN_TIME_AT: Final = 192
# struct perf_event_attr as far as its first version goes
_EVENT: Final = struct.Struct("<IIQQQQQIIQ")
_EVENT_TRACEPOINT, _EVENT_DISABLED, _EVENT_CLOEXEC, _EVENT_SET_PROGRAM = 2, 1, 8, 0x40042408
_EVENT_NUMBERS: Final = {"x86_64": 298, "aarch64": 241}
_SYSCALL_NUMBERS: Final = {"x86_64": 321, "aarch64": 280}
MACHINES: Final = tuple(_SYSCALL_NUMBERS)
_ATTR_SIZE: Final = 72
_NAME_SIZE: Final = 16
_LOG_SIZE: Final = 1 << 20
_libc: Final = ctypes.CDLL(None, use_errno=True)


class Refused(OSError):
    """A program that the kernel's verifier does not accept; `log` is what it says about it."""

    log: str = ""


def is_known_machine() -> bool:
    """Return whether this machine's architecture is one of `MACHINES`."""
    return platform.machine() in MACHINES


def create_map(
    kind: int, key_size: int, value_size: int, entries: int, flags: int = 0, name: str = "", inner: int = 0
) -> int:
    """Make a map and return its descriptor; `inner` is a descriptor of the kind of map that a map of maps holds."""
    attributes = struct.pack("<IIIIIII16s", kind, key_size, value_size, entries, flags, inner, 0, _name(name))
    try:
        return _bpf(_MAP_CREATE, attributes)
    except PermissionError:
        # kernels before 5.11 charge maps to RLIMIT_MEMLOCK, and say so with this error
        with suppress(ValueError):  # not ours to raise: the second try says so
            resource.setrlimit(resource.RLIMIT_MEMLOCK, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        return _bpf(_MAP_CREATE, attributes)


def update(fd: int, key: int, value: bytes) -> None:
    """Set one entry of a map whose keys are 32-bit numbers."""
    _update(fd, ctypes.c_uint32(key), value)


def update_wide(fd: int, key: int, value: bytes) -> None:
    """Set one entry of a map whose keys are 64-bit numbers."""
    _update(fd, ctypes.c_uint64(key), value)


def _update(fd: int, raw_key: ctypes.c_uint32 | ctypes.c_uint64, value: bytes) -> None:
    raw_value = ctypes.create_string_buffer(value, len(value))
    addresses = ctypes.addressof(raw_key), ctypes.addressof(raw_value)
    _bpf(_MAP_UPDATE, struct.pack("<IIQQQ", fd, 0, *addresses, 0))


def update_all(fd: int, entries: Mapping[int, bytes]) -> None:
    """Set many entries of an array at once; all values have the array's value size."""
    raw_keys = (ctypes.c_uint32 * len(entries))(*entries)
    raw_values = b"".join(entries.values())
    values = ctypes.create_string_buffer(raw_values, len(raw_values))
    addresses = ctypes.addressof(raw_keys), ctypes.addressof(values)
    _bpf(_MAP_UPDATE_BATCH, struct.pack("<QQQQIIQQ", 0, 0, *addresses, len(entries), fd, 0, 0))


def load_program(name: str, code: bytes, kind: int = RAW_TRACEPOINT) -> int:
    """Load a program and return its descriptor.

    Raises:
        Refused: the verifier does not accept it.
    """
    try:
        return _load(name, code, kind, None)
    except OSError as error:
        # the log costs time, so it is asked for only once there is something to tell
        log = ctypes.create_string_buffer(_LOG_SIZE)
        refused = Refused(error.errno, f"program {name}: {error.strerror}")
        try:
            return _load(name, code, kind, log)
        except OSError:
            refused.log = log.value.decode(errors="replace")
        raise refused from error


def attach(tracepoint: str, program: int) -> int:
    """Attach a program to a raw tracepoint until the descriptor returned is closed."""
    name = ctypes.create_string_buffer(tracepoint.encode())
    return _bpf(_RAW_TRACEPOINT_OPEN, struct.pack("<QI", ctypes.addressof(name), program))


def open_event(tracepoint: int) -> int:
    """Return the descriptor of a tracepoint, by its number in tracefs; it is in use until that is closed."""
    attributes = _EVENT.pack(_EVENT_TRACEPOINT, _EVENT.size, tracepoint, 0, 0, 0, _EVENT_DISABLED, 0, 0, 0)
    # the processor is a formality: programs run wherever the tracepoint is passed
    words = (-1, min(os.sched_getaffinity(0)), -1, _EVENT_CLOEXEC)
    return _call(_EVENT_NUMBERS, ctypes.create_string_buffer(attributes, _EVENT.size), *map(ctypes.c_long, words))


def attach_event(event: int, program: int) -> None:
    """Let a program of the kind TRACEPOINT run at what `open_event` returned, until that is closed."""
    fcntl.ioctl(event, _EVENT_SET_PROGRAM, program)


def enable_stats() -> int:
    """Have the kernel measure the run time of all programs until the descriptor returned is closed."""
    return _bpf(_ENABLE_STATS, struct.pack("<I", _STATS_RUN_TIME))


def program_statistics(program: int) -> tuple[int, int]:
    """Return for how many ns a program ran, and how often, while statistics were on."""
    nanoseconds, runs = struct.unpack_from("<QQ", _information(program), _RUN_TIME_AT)
    return nanoseconds, runs


def program_size(program: int) -> int:
    """Return the size of a loaded program in bytes, after the verifier took out what is never reached."""
    (size,) = struct.unpack_from("<I", _information(program), _LOADED_SIZE_AT)
    return int(size)


def _information(program: int) -> ctypes.Array[ctypes.c_char]:
    """Return the kernel's `struct bpf_prog_info` of a program."""
    info = ctypes.create_string_buffer(_INFO_SIZE)
    _bpf(_OBJ_GET_INFO_BY_FD, struct.pack("<IIQ", program, _INFO_SIZE, ctypes.addressof(info)))
    return info


def _load(name: str, code: bytes, kind: int, log: ctypes.Array[ctypes.c_char] | None) -> int:
    text, licence = ctypes.create_string_buffer(code, len(code)), ctypes.create_string_buffer(b"GPL")
    logging = (0, 0, 0) if log is None else (1, len(log), ctypes.addressof(log))
    head = struct.pack("<IIQQ", kind, len(code) // 8, ctypes.addressof(text), ctypes.addressof(licence))
    return _bpf(_PROG_LOAD, head + struct.pack("<IIQII16s", *logging, 0, 0, _name(name)))


def _name(text: str) -> bytes:
    return text.encode()[: _NAME_SIZE - 1]


def _bpf(command: int, attributes: bytes) -> int:
    buffer = ctypes.create_string_buffer(attributes, _ATTR_SIZE)
    return _call(_SYSCALL_NUMBERS, command, buffer, _ATTR_SIZE)


def _call(numbers: Mapping[str, int], *arguments: object) -> int:
    result: int = _libc.syscall(numbers[platform.machine()], *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
