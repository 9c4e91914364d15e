"""What a process is, to a capture that began after it: its container, and its parent when that one has ended."""

import os
from pathlib import Path

import pytest
from live_lines import capturing, waiting

from sysdig_py.capture.cgroups import detect

pytestmark = [pytest.mark.kernel, pytest.mark.usefixtures("probe")]


@pytest.fixture
def container():
    """A cgroup named as docker names those of containers; its id as it is shown."""
    full = os.urandom(32).hex()
    path = Path(detect().mount) / "docker" / full
    made = [folder for folder in (path.parent, path) if not folder.exists()]
    path.mkdir(parents=True)
    yield path, full[:12]
    for folder in reversed(made):
        folder.rmdir()


def test_the_container_of_a_process_older_than_the_capture(container):
    path, shown = container
    with waiting("import os; print(); input(); os.access('/there', 0); print()") as process:
        (path / "cgroup.procs").write_text(str(process.pid))
        with capturing("*%container.id %proc.pid %evt.arg.name", "evt.type in (access, faccessat)") as capture:
            process.step()
        (path.parent.parent / "cgroup.procs").write_text(str(process.pid))
    assert f"{shown} {process.pid} /there" in capture.lines


def test_a_process_whose_parent_ended_has_the_parent_that_the_kernel_gave_it():
    script = """
import ctypes, os, sys, time
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
print(); input()
middle = os.fork()
if middle == 0:
    ctypes.CDLL(None).prctl(15, b"middle", 0, 0, 0)
    r, w = os.pipe()
    if os.fork() == 0:
        ctypes.CDLL(None).prctl(15, b"orphan", 0, 0, 0)
        os.close(w)
        os.access("/before", 0)
        os.read(r, 1)  # until the parent is gone
        os.access("/after", 0)
        os._exit(0)
    time.sleep(0.2)
    os._exit(0)
os.wait(); os.wait(); print()
"""
    with waiting(script) as process:
        line = "*%evt.arg.name|%proc.pname|%proc.ppid"
        with capturing(line, "proc.name=orphan and evt.type in (access, faccessat)") as capture:
            process.step()
        own = str(process.pid)
    (before,), (after,) = ([text for text in capture.lines if text.startswith(name)] for name in ("/before", "/after"))
    assert before.split("|")[1] == "middle"
    assert after.split("|")[2] == own
    assert after.split("|")[1].startswith("python")
