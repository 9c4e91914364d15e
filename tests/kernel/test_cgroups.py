"""Which cgroup a record belongs to: made, entered, left and removed while records flow."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import walker
from conftest import open_probe

from sysdig_py.capture.cgroups import Hierarchy, detect
from sysdig_py.capture.live import LiveOptions
from sysdig_py.schema.record import Flag

pytestmark = pytest.mark.kernel

UNIFIED = re.compile(r"^\S+ \S+ \S+ / (\S+) .* - cgroup2 ", re.MULTILINE)


def hierarchies():
    """Return the tracked hierarchy, and the unified one where that is another that is mounted too."""
    found, unified = [detect()], UNIFIED.search(Path("/proc/self/mountinfo").read_text())
    if unified and found[0].version == 1:
        found.append(Hierarchy(2, unified[1], "", 0))
    return found


@pytest.fixture(scope="module", params=hierarchies(), ids=lambda h: f"v{h.version}")
def hierarchy(request):
    return request.param


@pytest.fixture(scope="module")
def probe(hierarchy):
    probe = open_probe(LiveOptions(ring_bytes=32 << 20), hierarchy)
    probe.attach()
    yield probe
    probe.close()


@pytest.fixture
def made(probe, hierarchy):
    walker.skip_all(probe.ring)
    path = Path(hierarchy.mount) / f"sysdig-py-test-{os.getpid()}"
    path.mkdir()
    yield path
    for _ in range(50):
        try:
            path.rmdir()
            return
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.02)


def test_mkdir_and_rmdir_of_the_tracked_hierarchy_are_told(probe, made):
    number = made.stat().st_ino
    script = "import os, sys; os.mkdir(sys.argv[1]); print(os.stat(sys.argv[1]).st_ino); os.rmdir(sys.argv[1])"
    inner = made / "inner"
    done = subprocess.run([sys.executable, "-c", script, str(inner)], capture_output=True, text=True, check=True)
    found = [
        (r.id, r["cgroup_id"], r["path"], r.flags) for r in walker.read_all(probe.ring) if "cgroup" in r.id.lower()
    ]
    assert ("STATE_CGROUP_MKDIR", number, f"/{made.name}", Flag.STATE_ONLY) in found
    assert ("STATE_CGROUP_MKDIR", int(done.stdout), f"/{made.name}/inner", Flag.STATE_ONLY) in found
    assert ("STATE_CGROUP_RMDIR", int(done.stdout), f"/{made.name}/inner", Flag.STATE_ONLY) in found


def test_other_hierarchies_are_not_told(probe, hierarchy):
    others = [p for p in Path("/sys/fs/cgroup").glob("*/cgroup.procs") if str(p.parent) != hierarchy.mount]
    if not others:
        pytest.skip("this machine has one cgroup hierarchy only")
    walker.skip_all(probe.ring)
    path = others[0].parent / f"sysdig-py-test-{os.getpid()}"
    path.mkdir()
    path.rmdir()
    assert not [r for r in walker.read_all(probe.ring) if r.name.startswith("cgroup")]


def test_records_follow_a_moved_process(probe, made, hierarchy):
    script = """
import os, sys
procs = sys.argv[1] + "/cgroup.procs"
os.chdir("/tmp")
open(procs, "w").write("0")
os.chdir("/")
pid = os.fork()
if pid == 0:
    os.chdir("/usr"); os._exit(0)
os.wait()
print(os.getpid(), pid)
open(os.path.dirname(sys.argv[1]) + "/cgroup.procs", "w").write("0")
os.chdir("/etc")
"""
    done = subprocess.run([sys.executable, "-c", script, str(made)], check=True, capture_output=True)
    pids = set(map(int, done.stdout.split()))
    number = made.stat().st_ino
    moves = [r for r in walker.read_all(probe.ring) if r.id == "SYSCALL_CHDIR_X" and r.pid in pids]
    tags = {r["path"]: r.cgroup for r in moves}
    root = Path(hierarchy.mount).stat().st_ino
    assert tags == {"/tmp": root, "/": number, "/usr": number, "/etc": root}


def test_a_running_process_moved_by_another_is_followed(probe, made):
    script = "import os, sys\nfor line in sys.stdin: os.chdir(line.strip()); print('ok', flush=True)"
    child = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )

    def say(path):
        child.stdin.write(path + "\n")
        child.stdin.flush()
        assert child.stdout.readline() == "ok\n"

    with child:
        say("/tmp")
        (made / "cgroup.procs").write_text(str(child.pid))
        say("/")
        child.stdin.close()
    tags = {
        r["path"]: r.cgroup for r in walker.read_all(probe.ring) if r.id == "SYSCALL_CHDIR_X" and r.pid == child.pid
    }
    assert tags["/"] == made.stat().st_ino != tags["/tmp"]


def test_exec_and_clone_name_the_cgroup(probe, made):
    script = "import os, sys; open(sys.argv[1] + '/cgroup.procs', 'w').write('0'); os.execv('/bin/true', ['true'])"
    subprocess.run([sys.executable, "-c", script, str(made)], check=True)
    found = [r["cgroups"] for r in walker.read_all(probe.ring) if r.id == "SYSCALL_EXECVE_19_X" and r["comm"] == "true"]
    assert found and found[0].endswith(f"=/{made.name}\0".encode())
