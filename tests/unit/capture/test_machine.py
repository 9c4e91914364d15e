import os
import time
from pathlib import Path

from sysdig_py.capture.machine import boot_ts, machine_info


def lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()


def test_facts_agree_with_the_system() -> None:
    info = machine_info()
    assert info["num_cpus"] == os.cpu_count()
    assert (info["hostname"], info["kernel"], info["arch"]) == (
        os.uname().nodename,
        os.uname().release,
        os.uname().machine,
    )
    memory_kb = next(int(line.split()[1]) for line in lines("/proc/meminfo") if line.startswith("MemTotal:"))
    assert info["memory_size_bytes"] == memory_kb * 1024
    assert info["max_pid"] == int(lines("/proc/sys/kernel/pid_max")[0])
    assert len(info["boot_id"]) == 36


def test_boot_time_is_the_kernel_s_within_its_rounding() -> None:
    btime = next(int(line.split()[1]) for line in lines("/proc/stat") if line.startswith("btime "))
    assert abs(boot_ts() / 1e9 - btime) < 2
    assert boot_ts() < time.time_ns()
