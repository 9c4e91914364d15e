"""What this machine can run of the tests, and the reason when it cannot.

Decided by trying, without the code under test where that is possible: a broken program must make
tests fail, never skip. `python -m tests.abilities` prints the environment for scripts/test.sh.
"""

import functools
import os
import platform
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from sysdig_py.ui.cli.bpf_trial import trial
from sysdig_py.ui.cli.doctor import HOST_PID_NAMESPACE
from tests.oracle.tools import no_oracle

REQUIRE_KERNEL = "SYSDIG_PY_REQUIRE_KERNEL"
REQUIRE_DOCKER = "SYSDIG_PY_REQUIRE_DOCKER"
REQUIRE_ORACLE = "SYSDIG_PY_REQUIRE_ORACLE"


@functools.cache
def no_kernel() -> str:
    """Why no eBPF program can run here; "" when one can."""
    if Path("/proc/self/ns/pid").stat().st_ino != HOST_PID_NAMESPACE:
        return "the kernel tells process numbers of the host, and this is another pid namespace"
    has_types = Path("/sys/kernel/btf/vmlinux").is_file() or Path("/lib/modules", platform.release(), "build").is_dir()
    return trial() or ("" if has_types else "the kernel has neither BTF nor installed headers")


@functools.cache
def no_docker() -> str:
    """Why no container engine of the tests' own can run here; "" when one can."""
    if os.geteuid() != 0:
        return "not root"
    if shutil.which("dockerd", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin") is None:
        return "dockerd is not installed (package docker.io)"
    separate = subprocess.run(
        ["unshare", "--mount", "--net", "--uts", "--ipc", "--pid", "--fork", "true"], capture_output=True, text=True
    )
    if separate.returncode != 0:
        return f"no namespaces can be made: {separate.stderr.strip()}"
    return ""


# mark of a test, and folder whose tests have it -> (reason not to run, variable that turns the skip into a failure)
ABILITIES: dict[str, tuple[Callable[[], str], str]] = {
    "kernel": (no_kernel, REQUIRE_KERNEL),
    "container": (no_docker, REQUIRE_DOCKER),
    "oracle": (no_oracle, REQUIRE_ORACLE),
}


def _environment() -> str:
    lines = []
    for mark, (reason, variable) in ABILITIES.items():
        why = reason()
        lines.append(f"echo {mark} tests: skipped, {_quoted(why)}" if why else f"export {variable}=1")
    return "\n".join(lines)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "") + "'"


if __name__ == "__main__":
    print(_environment())
