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

from sysdig_py.capture import bpf, cgroups, features, headers, kernel, rights, single_calls
from sysdig_py.capture.headers import BTF
from sysdig_py.capture.kernel_types import Types
from sysdig_py.capture.machine import machine_info
from sysdig_py.capture.ring import ring_bytes
from sysdig_py.container.runtimes.docker import DOCKER_SOCKETS, PODMAN_SOCKETS
from sysdig_py.container.runtimes.unix_http import get_json
from sysdig_py.engine.vm import luajit_version
from sysdig_py.errors import EnvironmentLack, RightsError, SysdigPyError
from sysdig_py.ui.cli.bpf_trial import trial

CANNOT_CAPTURE: Final = EnvironmentLack.exit_code
# PROC_PID_INIT_INO of the kernel: the first pid namespace has this inode on every machine
HOST_PID_NAMESPACE: Final = 0xEFFFFFFC
_PATH: Final = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
_ENGINE_TIMEOUT: Final = 2.0
OTHER_SOCKETS: Final = {"containerd": "/run/containerd/containerd.sock", "cri-o": "/run/crio/crio.sock"}
_TO_READ_PROC: Final = (rights.Capability.SYS_PTRACE, rights.Capability.DAC_READ_SEARCH)
_NICE_TO_HAVE: Final = frozenset({"container engines", "locked memory"})


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
    return Finding("ok", f"{platform.release()} {kernel.machine()}")


def check_rights() -> Finding:
    """Whether the process may load a probe and read all of /proc."""
    user = "root" if os.geteuid() == 0 else f"uid {os.geteuid()}"
    try:
        rights.require_bpf()
    except RightsError:
        return Finding("missing", f"{user} without CAP_BPF and CAP_PERFMON", "sudo sysdig-py ...")
    lacking = [name for name in _TO_READ_PROC if not rights.effective() >> name & 1]
    if lacking:
        names = ", ".join(f"CAP_{name.name}" for name in lacking)
        return Finding("warn", f"{user} without {names}: /proc of others stays closed", "sudo sysdig-py ...")
    return Finding("ok", f"{user}, with the capabilities that loading and /proc need")


def check_namespace() -> Finding:
    """Whether /proc shows the processes by the numbers the kernel tells."""
    if Path("/proc/self/ns/pid").stat().st_ino == HOST_PID_NAMESPACE:
        return Finding("ok", "the host's")
    found = "not the host's: processes that run already stay unknown"
    return Finding("warn", found, "run it on the host, or in a container with --pid=host")


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


def check_statistics() -> Finding:
    """Whether the kernel measures the run time of programs, which --max-overhead goes by."""
    try:
        os.close(bpf.enable_stats())
    except OSError as error:
        found = f"{os.strerror(error.errno or 0)}: --max-overhead cannot measure"
        return Finding("warn", found, "run it as root (CAP_SYS_ADMIN), on kernel 5.8 or later")
    return Finding("ok", "run times of programs can be measured")


def check_single_calls() -> Finding:
    """Whether entries of single calls can be looked at, so that those of all calls need not be."""
    try:
        for event in single_calls.open_entries(("close",)):
            os.close(event)
    except OSError as error:
        found = f"{os.strerror(error.errno or 0)}: the time in calls is measured in every run, at 100 ns a call"
        return Finding("warn", found, "run it as root, on a kernel built with CONFIG_FTRACE_SYSCALLS")
    return Finding("ok", "tracepoints of single calls can be used")


def check_types() -> Finding:
    """Whether the kernel tells its types, which the probe is compiled against."""
    if BTF.is_file():
        return Finding("ok", f"{BTF}, {BTF.stat().st_size / 1e6:.1f} MB")
    return Finding("missing", f"no BTF: {BTF} is missing", "a kernel built with CONFIG_DEBUG_INFO_BTF")


def check_features() -> Finding:
    """What the kernel lacks of all that the probe makes use of, and what is amiss without it."""
    lacking = features.missing(Types(headers.dump_btf(), headers.BTF.read_bytes()))
    needed = [feature for feature in lacking if feature.need is features.Need.ALWAYS]
    if needed:
        remedy = "a kernel of 5.8 or later built with CONFIG_FTRACE_SYSCALLS and CONFIG_TRACEPOINTS"
        return Finding("missing", ", ".join(feature.what for feature in needed), remedy)
    if lacking:
        return Finding("warn", "; ".join(f"no {feature.what}: {feature.without}" for feature in lacking))
    return Finding("ok", f"all {len(features.FEATURES)} that are made use of")


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


def check_ring() -> Finding:
    """How large the ring between kernel and program will be on this machine."""
    facts = machine_info()
    size = ring_bytes(facts["memory_size_bytes"], facts["num_cpus"])
    return Finding("ok", f"{size >> 20} MiB for {facts['num_cpus']} processors")


CHECKS: Final[dict[str, Callable[[], Finding]]] = {
    "kernel": check_kernel,
    "rights": check_rights,
    "pid namespace": check_namespace,
    "bpf": check_bpf,
    "bpf statistics": check_statistics,
    "entries of calls": check_single_calls,
    "kernel types": check_types,
    "bcc": check_bcc,
    "bpftool": check_bpftool,
    "kernel features": check_features,
    "LuaJIT": check_luajit,
    "packages": check_packages,
    "cgroups": check_cgroups,
    "container engines": check_engines,
    "ring": check_ring,
    "locked memory": check_locked_memory,
}
