"""Privileges: what loading needs, and what may be given up once the probe runs.

Everything the running probe is read through is mapped memory, so no BPF right is needed any more.
Capabilities belong to a thread: those started before `drop` keep theirs.
"""

from __future__ import annotations

import ctypes
import enum
import re
from pathlib import Path
from typing import Final

from sysdig_py.errors import RightsError

_libc: Final = ctypes.CDLL(None, use_errno=True)
_VERSION_3: Final = 0x20080522


class Capability(enum.IntEnum):
    """The capabilities that matter here, by their kernel numbers."""

    CHOWN = 0
    DAC_OVERRIDE = 1
    DAC_READ_SEARCH = 2
    SETGID = 6
    SETUID = 7
    SYS_PTRACE = 19
    SYS_ADMIN = 21
    PERFMON = 38
    BPF = 39


# Reading every process' /proc entries, the engines' sockets, and writing where the user points.
KEPT: Final = frozenset(
    {Capability.DAC_OVERRIDE, Capability.DAC_READ_SEARCH, Capability.SYS_PTRACE, Capability.SETUID, Capability.SETGID}
)


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Data(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def effective() -> int:
    """Return the effective capability set of this thread as a bit mask."""
    found = re.search(r"^CapEff:\s*([0-9a-f]+)$", Path("/proc/thread-self/status").read_text(), re.MULTILINE)
    return int(found[1], 16) if found else 0


def require_bpf() -> None:
    """Raise RightsError unless this process may load and attach the probe."""
    have = effective()
    both = 1 << Capability.BPF | 1 << Capability.PERFMON
    if not have & 1 << Capability.SYS_ADMIN and have & both != both:
        raise RightsError("capturing live needs root (or CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE): run with sudo")


def drop(keep: frozenset[Capability] = KEPT) -> None:
    """Give up every capability of this thread but `keep`.

    Raises:
        RightsError: the kernel refused.
    """
    mask = effective() & sum(1 << capability for capability in keep)
    halves = (_Data * 2)()
    for index in range(2):
        part = mask >> (32 * index) & 0xFFFFFFFF
        halves[index] = _Data(part, part, 0)
    if _libc.capset(ctypes.byref(_Header(_VERSION_3, 0)), halves):
        raise RightsError("the kernel refused to drop privileges")
