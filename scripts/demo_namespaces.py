"""Two talkers without a container engine: a web server and its client, each in a network namespace and a cgroup."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sysdig_py.capture import cgroups

SERVER, CLIENT = "10.217.0.1", "10.217.0.2"
PAGE = "<h1>hello from a network namespace</h1>\n"


class Lack(Exception):
    """This machine cannot run the workload; the message says what is missing."""


@contextmanager
def talkers(requests: int) -> Iterator[str]:
    """Let the two talk while the body runs, for so many requests at most; yields one line about them."""
    with ExitStack() as undo:
        folder = Path(undo.enter_context(tempfile.TemporaryDirectory(prefix="demo-")))
        folder.chmod(0o755)
        (folder / "index.html").write_text(PAGE)
        server, client = f"demo-server-{os.getpid()}", f"demo-client-{os.getpid()}"
        _connect(undo, server, client)
        _start(undo, server, ["busybox", "httpd", "-f", "-p", f"{SERVER}:80", "-h", str(folder)])
        ask = f"busybox wget -q -O /dev/null http://{SERVER}/ 2>/dev/null; busybox sleep 0.1"
        loop = f"for i in $(busybox seq {requests}); do {ask}; done"
        _start(undo, client, ["busybox", "sh", "-c", loop])
        yield f"{client} asks {server} for a page, ten times a second"


def _connect(undo: ExitStack, server: str, client: str) -> None:
    for name in (server, client):
        _run("ip", "netns", "add", name)
        undo.callback(_run, "ip", "netns", "delete", name)
    _run("ip", "link", "add", "demo0", "netns", server, "type", "veth", "peer", "name", "demo0", "netns", client)
    for name, address in ((server, SERVER), (client, CLIENT)):
        _run("ip", "-n", name, "address", "add", f"{address}/24", "dev", "demo0")
        _run("ip", "-n", name, "link", "set", "demo0", "up")


def _start(undo: ExitStack, name: str, command: list[str]) -> None:
    """Start a command in the namespace and in a cgroup of that name; both are gone when `undo` is run."""
    hierarchy = cgroups.detect()
    cgroup = Path(hierarchy.mount) / name
    cgroup.mkdir()
    undo.callback(cgroup.rmdir)
    # The cgroup comes first: inside the namespace /sys is another mount, without the cgroups.
    join = f'echo $$ > {cgroup}/cgroup.procs && exec ip netns exec {name} "$@"'
    process = subprocess.Popen(["sh", "-c", join, "sh", *command], start_new_session=True)
    undo.callback(_end, process, cgroup)


def _end(process: "subprocess.Popen[bytes]", cgroup: Path) -> None:
    """End the process and what it started: all that is left in its cgroup."""
    while pids := (cgroup / "cgroup.procs").read_text().split():
        for pid in pids:
            subprocess.run(["kill", "-KILL", pid], check=False, capture_output=True)
        process.poll()
    process.wait()


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Lack(f"{' '.join(command)}: {done.stderr.strip()}")
