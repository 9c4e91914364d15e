"""A real Docker engine for tests: started by us, seen by nobody else, gone without a trace.

dockerd runs in network and mount namespaces of its own, so that its bridge, firewall rules and
mounts end with it; its data and socket are in a temporary folder. Its image is busybox alone.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

IMAGE = "sysdig-py-test:1.0"
WEB_PAGE = b"hello from a container\n"
_START_SECONDS = 30
_STOP_SECONDS = 20
_CALL_SECONDS = 30
_PROGRAMS = ("unshare", "ip", "dockerd", "docker", "runc", "containerd", "busybox")
# The distribution's programs: a docker client put elsewhere may be of any version.
_SEARCH = "/usr/sbin:/usr/bin:/sbin:/bin"


class EngineLack(Exception):
    """This machine cannot run a Docker engine; the message says why."""


@dataclass
class Container:
    """A container that was started."""

    engine: Engine
    name: str
    id: str
    ip: str
    pid: int

    def exec(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command inside and return what it printed."""
        return self.engine.docker("exec", self.id, *command, check=check)

    def wait(self) -> int:
        """Wait for the container's end and return its exit code."""
        return int(self.engine.docker("wait", self.id).stdout)


@dataclass
class Engine:
    """A running dockerd."""

    folder: Path
    process: subprocess.Popen[bytes]
    containers: list[Container] = field(default_factory=list)
    made_cgroups: list[Path] = field(default_factory=list)

    @property
    def socket(self) -> str:
        """Path of the engine's unix socket."""
        return str(self.folder / "docker.sock")

    def docker(self, *args: str, check: bool = True, data: bytes | None = None) -> subprocess.CompletedProcess[str]:
        """Run the docker client against this engine."""
        command = [_program("docker"), "--host", f"unix://{self.socket}", *args]
        done = subprocess.run(command, input=data, capture_output=True, timeout=_CALL_SECONDS, check=False)
        result = subprocess.CompletedProcess(args, done.returncode, done.stdout.decode(), done.stderr.decode())
        if check and result.returncode:
            raise RuntimeError(f"docker {' '.join(args)}: {result.stderr.strip()}")
        return result

    def run(self, name: str, *command: str, options: Sequence[str] = (), image: str = IMAGE) -> Container:
        """Start a container in the background; `options` go to `docker run`."""
        full_id = self.docker("run", "--detach", "--name", name, *options, image, *command).stdout.strip()
        state = json.loads(self.docker("inspect", full_id).stdout)[0]
        container = Container(self, name, full_id, state["NetworkSettings"]["IPAddress"], state["State"]["Pid"])
        self.containers.append(container)
        return container

    def remove(self, container: Container) -> None:
        """Stop a container at once and remove it."""
        self.docker("rm", "--force", "--volumes", container.id)
        self.containers.remove(container)

    def stop(self) -> None:
        """Remove all containers, end the engine, and clean up what it made."""
        try:
            for container in list(self.containers):
                self.remove(container)
        finally:
            _end(self.process)
            _end_shims(self.folder)
            for cgroup in self.made_cgroups:
                _remove_cgroup(cgroup)
            shutil.rmtree(self.folder, ignore_errors=True)


def start_engine() -> Engine:
    """Start dockerd, wait until it answers, and give it its image.

    Raises:
        EngineLack: it cannot run here.
    """
    _require()
    folder = Path(tempfile.mkdtemp(prefix="engine-"))
    absent = [path for path in _parent_cgroups() if not path.exists()]
    engine = Engine(folder, _spawn(folder), made_cgroups=absent)
    try:
        _await(engine)
        engine.docker("import", "-", IMAGE, data=image_tar())
    except BaseException:
        engine.stop()
        raise
    return engine


def image_tar() -> bytes:
    """Return a root file system with busybox, all its commands, and a web page in /www."""
    busybox = _program("busybox")
    names = subprocess.run([busybox, "--list"], capture_output=True, check=True, text=True).stdout.split()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for folder in ("bin", "etc", "proc", "sys", "dev", "www"):
            _add(tar, folder, tarfile.DIRTYPE)
        _add(tar, "tmp", tarfile.DIRTYPE, mode=0o1777)
        _add(tar, "bin/busybox", tarfile.REGTYPE, Path(busybox).read_bytes())
        _add(tar, "www/index.html", tarfile.REGTYPE, WEB_PAGE, mode=0o644)
        _add(tar, "etc/passwd", tarfile.REGTYPE, b"root:x:0:0:root:/:/bin/sh\n", mode=0o644)
        for name in names:
            if name != "busybox":
                _add(tar, f"bin/{name}", tarfile.SYMTYPE, target="busybox")
    return buffer.getvalue()


def _add(
    tar: tarfile.TarFile, name: str, kind: bytes, content: bytes = b"", target: str = "", mode: int = 0o755
) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.linkname, entry.size = kind, mode, target, len(content)
    tar.addfile(entry, io.BytesIO(content))


def _require() -> None:
    if os.geteuid() != 0:
        raise EngineLack("starting dockerd needs root")
    missing = [name for name in _PROGRAMS if not shutil.which(name, path=_SEARCH)]
    if missing:
        raise EngineLack(f"programs missing: {' '.join(missing)} (packages docker.io, busybox-static, iproute2)")


def _program(name: str) -> str:
    path = shutil.which(name, path=_SEARCH)
    assert path, name
    return path


def _spawn(folder: Path) -> subprocess.Popen[bytes]:
    daemon = [
        _program("dockerd"),
        f"--host=unix://{folder}/docker.sock",
        f"--data-root={folder}/data",
        f"--exec-root={folder}/exec",
        f"--pidfile={folder}/pid",
        "--storage-driver=vfs",
        "--userland-proxy=false",
    ]
    script = 'ip link set lo up && exec "$@"'
    isolated = [_program("unshare"), "--net", "--mount", "--propagation", "private", "sh", "-c", script, "sh", *daemon]
    environment = os.environ | {"PATH": _SEARCH}
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(isolated, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)


def _await(engine: Engine) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while engine.docker("version", check=False).returncode:
        if engine.process.poll() is not None or time.monotonic() > deadline:
            lines = (engine.folder / "log").read_text(errors="replace").splitlines()
            raise EngineLack("dockerd does not come up: " + " | ".join(lines[-3:]))
        time.sleep(0.1)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End dockerd, which ends its containerd and the containers."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _end_shims(folder: Path) -> None:
    """Kill what outlives a dockerd that ended badly: shims, known by our folder, and their containers."""
    for shim in _pids_naming(folder):
        with suppress(OSError):
            children = Path(f"/proc/{shim}/task/{shim}/children").read_text().split()
            for pid in (*map(int, children), shim):
                os.kill(pid, signal.SIGKILL)


def _pids_naming(folder: Path) -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if os.fsencode(folder) in (process / "cmdline").read_bytes() and process.name != str(os.getpid()):
                found.append(int(process.name))
    return found


def _remove_cgroup(cgroup: Path) -> None:
    """Remove a cgroup and those below it; what another engine uses stays."""
    for folder in (*sorted(cgroup.glob("**/"), reverse=True), cgroup):
        with suppress(OSError):
            folder.rmdir()


def _parent_cgroups() -> list[Path]:
    """Return where docker's and containerd's own parent cgroups are in each mounted hierarchy."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    points = [words[1] for words in mounts if words[2] in ("cgroup", "cgroup2")]
    return [Path(point, name) for point in points for name in ("docker", "default")]
