"""What a trace says about the machine it was recorded on."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path
from typing import Any


def machine_info() -> dict[str, Any]:
    """Return num_cpus, memory_size_bytes, max_pid, hostname, arch, kernel, boot_id and boot_ts (ns since the epoch)."""
    names = os.uname()
    return {
        "num_cpus": os.cpu_count() or 1,
        "memory_size_bytes": memory_bytes(),
        "max_pid": int(Path("/proc/sys/kernel/pid_max").read_text()),
        "hostname": names.nodename,
        "arch": platform.machine(),
        "boot_ts": boot_ts(),
        "kernel": names.release,
        "boot_id": Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
    }


def memory_bytes() -> int:
    """Return the size of the machine's memory."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def boot_ts() -> int:
    """Return when the machine booted, in ns since the epoch; `/proc/stat` has whole seconds only."""
    return time.time_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME)
