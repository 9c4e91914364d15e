"""`sysdig-py doctor`: what this machine has and lacks for a live capture, and what mends it.

One check, one function, one line of output. `missing` means that live capture cannot work,
`warn` that something of it will not; replaying traces needs none of it but the engine.
"""

from __future__ import annotations

import glob
import importlib.util
import os
import platform
import re
import resource
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final, Literal, TextIO

from sysdig_py.capture import cgroups
from sysdig_py.capture.headers import BTF
from sysdig_py.container.runtimes.docker import DOCKER_SOCKETS, PODMAN_SOCKETS
from sysdig_py.container.runtimes.unix_http import get_json
from sysdig_py.engine.vm import luajit_version
from sysdig_py.errors import EnvironmentLack, SysdigPyError
from sysdig_py.ui.cli.bpf_trial import trial

CANNOT_CAPTURE: Final = EnvironmentLack.exit_code
_PATH: Final = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
_ENGINE_TIMEOUT: Final = 2.0
OTHER_SOCKETS: Final = {"containerd": "/run/containerd/containerd.sock", "cri-o": "/run/crio/crio.sock"}
_NICE_TO_HAVE: Final = frozenset({"container engines", "locked memory"})
TRACEPOINTS: Final = (
    "sys_enter",
    "sys_exit",
    "sched_process_exit",
    "sched_switch",
    "signal_deliver",
    "cgroup_mkdir",
    "cgroup_rmdir",
)
# include/uapi/linux/capability.h
_CAPABILITIES: Final = {
    "CAP_DAC_READ_SEARCH": 2,
    "CAP_SYS_PTRACE": 19,
    "CAP_SYS_ADMIN": 21,
    "CAP_PERFMON": 38,
    "CAP_BPF": 39,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found; `remedy` says what mends it, "" when nothing is to be mended."""

    status: Literal["ok", "warn", "missing"]
    found: str
    remedy: str = ""


def run_doctor(out: TextIO) -> int:
    """Write one line per check to `out`; return 0 when live capture can work, 4 otherwise."""
    lacking = []
    for name, check in CHECKS.items():
        finding = _carefully(name, check)
        remedy = f"  -> {finding.remedy}" if finding.remedy else ""
        out.write(f"{finding.status:<8} {name:<18} {finding.found}{remedy}\n")
        if finding.status == "missing":
            lacking.append(name)
    out.write(f"live capture cannot work: {', '.join(lacking)}\n" if lacking else "live capture can work\n")
    return CANNOT_CAPTURE if lacking else 0


def _carefully(name: str, check: Callable[[], Finding]) -> Finding:
    """Run a check; what it trips over is its finding, since the other lines are still wanted."""
    try:
        return check()
    except (SysdigPyError, OSError, ImportError, ValueError) as error:
        return Finding("warn" if name in _NICE_TO_HAVE else "missing", str(error) or type(error).__name__)


def check_kernel() -> Finding:
    """Kernel release and machine type."""
    found = f"{platform.release()} {platform.machine()}"
    if platform.machine() in ("x86_64", "aarch64"):
        return Finding("ok", found)
    return Finding("missing", found, "the probe knows x86_64 and aarch64 only; traces can be replayed here")


def check_rights() -> Finding:
    """Whether the process may load a probe and read all of /proc."""
    held = _effective_capabilities()
    user = "root" if os.geteuid() == 0 else f"uid {os.geteuid()}"
    if not ("CAP_SYS_ADMIN" in held or {"CAP_BPF", "CAP_PERFMON"} <= held):
        return Finding("missing", f"{user} without CAP_BPF and CAP_PERFMON", "run it as root: sudo sysdig-py ...")
    lacking = {"CAP_SYS_PTRACE", "CAP_DAC_READ_SEARCH"} - held
    if lacking:
        return Finding(
            "warn", f"{user} without {', '.join(sorted(lacking))}: /proc of others stays closed", "run it as root"
        )
    return Finding("ok", f"{user}, all capabilities needed")


def _effective_capabilities() -> set[str]:
    match = re.search(r"^CapEff:\s*([0-9a-f]+)$", Path("/proc/self/status").read_text(), re.MULTILINE)
    mask = int(match.group(1), 16) if match else 0
    return {name for name, bit in _CAPABILITIES.items() if mask >> bit & 1}


def check_bpf() -> Finding:
    """Whether the kernel takes a program on a raw tracepoint and a ring buffer, by doing it."""
    refused = trial()
    if not refused:
        return Finding("ok", "a program was attached to a raw tracepoint, a ring buffer was made")
    lockdown = _first_line("/sys/kernel/security/lockdown")
    unprivileged = _first_line("/proc/sys/kernel/unprivileged_bpf_disabled")
    context = [f"lockdown {lockdown}"] if lockdown else []
    context += [f"unprivileged_bpf_disabled={unprivileged}"] if unprivileged else []
    remedy = "run it as root, in a container with --privileged, on kernel 5.8 or later without lockdown=confidentiality"
    return Finding("missing", f"{refused} ({', '.join(context) or 'no lockdown'})", remedy)


def _first_line(path: str) -> str:
    try:
        return Path(path).read_text().strip().partition("\n")[0]
    except OSError:
        return ""


def check_types() -> Finding:
    """Where the probe's kernel types come from: BTF, else installed headers."""
    if BTF.is_file():
        return Finding("ok", f"{BTF}, {BTF.stat().st_size / 1e6:.1f} MB")
    headers = Path("/lib/modules", platform.release(), "build")
    if headers.is_dir():
        return Finding("warn", f"no BTF; installed headers {headers} are used")
    return Finding("missing", "neither BTF nor kernel headers", f"apt-get install linux-headers-{platform.release()}")


def check_tracepoints() -> Finding:
    """Whether the kernel has the tracepoints the probe attaches to, as its BTF tells."""
    if not BTF.is_file():
        return Finding("warn", "not known without BTF")
    types = BTF.read_bytes()
    absent = [name for name in TRACEPOINTS if f"\0btf_trace_{name}\0".encode() not in types]
    if "sys_exit" in absent:
        return Finding("missing", "sys_exit", "a kernel built with CONFIG_FTRACE_SYSCALLS")
    if absent:
        return Finding("warn", f"the kernel lacks {', '.join(absent)}")
    return Finding("ok", f"{len(TRACEPOINTS)} of {len(TRACEPOINTS)}")


def check_bcc() -> Finding:
    """Whether bcc's Python binding is there, and is bcc's: PyPI's `bcc` is another project."""
    install = "apt-get install python3-bpfcc"
    spec = importlib.util.find_spec("bcc")
    folder = Path(spec.origin).parent if spec and spec.origin else None
    if folder is None:
        elsewhere = glob.glob("/usr/lib/python3/dist-packages/bcc/libbcc.py")
        if elsewhere:
            remedy = "use the system's Python: a venv made by /usr/bin/python3 -m venv --system-site-packages"
            return Finding(
                "missing", f"installed, but {sys.executable} does not see /usr/lib/python3/dist-packages", remedy
            )
        return Finding("missing", "bcc's Python binding is not installed", install)
    if not (folder / "libbcc.py").is_file():
        return Finding("missing", f"{folder} is an unrelated project of that name", f"pip uninstall bcc; {install}")
    return Finding("ok", f"{_bcc_version(folder)} ({folder})")


def _bcc_version(folder: Path) -> str:
    match = re.search(r"__version__ *= *['\"]([^'\"]+)", (folder / "version.py").read_text())
    return match.group(1) if match else "unknown version"


def check_bpftool() -> Finding:
    """Whether bpftool runs: it turns BTF into the C types bcc compiles against."""
    tool = shutil.which("bpftool", path=_PATH)
    install = "apt-get install bpftool (Ubuntu: linux-tools-common linux-tools-$(uname -r))"
    if tool is None:
        return Finding("missing" if BTF.is_file() else "warn", "not installed", install)
    done = subprocess.run([tool, "version"], capture_output=True, text=True, check=False, timeout=10)
    if done.returncode != 0:
        return Finding("missing", f"{tool} does not run: {(done.stderr or done.stdout).strip()[:120]}", install)
    return Finding("ok", f"{done.stdout.split(chr(10))[0]} ({tool})")


def check_cgroups() -> Finding:
    """Which cgroup hierarchy tells containers apart."""
    hierarchy = cgroups.detect()
    if hierarchy.version == 2:
        return Finding("ok", f"version 2 at {hierarchy.mount}")
    return Finding("ok", f"version 1, controller {hierarchy.controller} at {hierarchy.mount}")


def check_engines() -> Finding:
    """Which container engines answer; without one, containers are known by their ids only."""
    found = [f"{name} {state}" for name, state in _engines()]
    if not found:
        return Finding("ok", "none found: containers would be shown by id")
    deaf = any("does not answer" in text for text in found)
    return Finding("warn" if deaf else "ok", ", ".join(found), "check the engine, its socket is there" if deaf else "")


def _engines() -> Iterator[tuple[str, str]]:
    for name, patterns in (("docker", DOCKER_SOCKETS), ("podman", PODMAN_SOCKETS)):
        for path in (path for pattern in patterns for path in sorted(glob.glob(pattern))):
            answer = get_json(path, "/version", _ENGINE_TIMEOUT)
            yield name, f"{answer.get('Version', '')} ({path})" if answer else f"does not answer ({path})"
    for name, path in OTHER_SOCKETS.items():
        if os.path.lexists(path):
            yield name, f"({path})" if _accepts(path) else f"does not answer ({path})"


def _accepts(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_ENGINE_TIMEOUT)
        return probe.connect_ex(path) == 0


def check_luajit() -> Finding:
    """LuaJIT runs the filters, the chisels and everything else per event."""
    version, compiles = luajit_version()
    if compiles:
        return Finding("ok", f"{version}, compiler on (lupa {metadata.version('lupa')})")
    return Finding(
        "warn", f"{version}, compiler off: some ten times slower", "a lupa wheel for this machine: pip install lupa"
    )


def check_packages() -> Finding:
    """The Python packages of the trace format."""
    found, lacking = [], []
    for name in ("msgpack", "zstandard"):
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            lacking.append(name)
    if lacking:
        return Finding("missing", ", ".join(lacking), f"pip install {' '.join(lacking)}")
    return Finding("ok", ", ".join(found))


def check_locked_memory() -> Finding:
    """How much memory may be locked: kernels before 5.11 charge BPF maps to this limit."""
    soft, _ = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    amount = "unlimited" if soft == resource.RLIM_INFINITY else f"{soft >> 10} KiB"
    release = tuple(int(part) for part in re.findall(r"\d+", platform.release())[:2])
    if release >= (5, 11) or soft == resource.RLIM_INFINITY or os.geteuid() == 0:
        return Finding("ok", amount)
    return Finding("warn", f"{amount}, and this kernel charges BPF maps to it", "ulimit -l unlimited")


CHECKS: Final[dict[str, Callable[[], Finding]]] = {
    "kernel": check_kernel,
    "rights": check_rights,
    "bpf": check_bpf,
    "kernel types": check_types,
    "tracepoints": check_tracepoints,
    "bcc": check_bcc,
    "bpftool": check_bpftool,
    "LuaJIT": check_luajit,
    "packages": check_packages,
    "cgroups": check_cgroups,
    "container engines": check_engines,
    "locked memory": check_locked_memory,
}
