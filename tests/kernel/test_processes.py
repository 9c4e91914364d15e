"""Birth, execution and death of processes, and what every record says about its own."""

import os
import resource
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.kernel

BORN = ("SYSCALL_CLONE_20_X", "SYSCALL_FORK_20_X", "SYSCALL_VFORK_20_X", "SYSCALL_CLONE3_X")


def test_exec_tells_arguments_environment_directory_and_program(tracer, tmp_path):
    run = tracer.command(["/bin/sh", "-c", ":", "two words", ""], cwd=tmp_path, env={"A": "1", "LONG": "x" * 300})
    event = run.one("SYSCALL_EXECVE_19_X", res=0)
    assert event["exe"] == "/bin/sh"
    assert event["args"] == b"-c\0:\0two words\0\0"
    assert event["env"] == b"A=1\0LONG=" + b"x" * 300 + b"\0"
    assert event["cwd"] == str(tmp_path)
    assert event["filename"] == "/bin/sh"
    assert event["trusted_exepath"] == str(Path("/bin/sh").resolve())
    assert event["comm"] == "sh"
    assert (event["tid"], event["pid"], event["ptid"]) == (run.pid, run.pid, os.getpid())
    stat = Path("/bin/sh").stat()
    assert (event["exe_ino"], event["exe_ino_mtime"]) == (stat.st_ino, stat.st_mtime_ns)
    assert event["exe_ino_ctime"] == stat.st_ctime_ns
    assert (event["uid"], event["gid"]) == (os.geteuid(), os.getegid())
    assert event["vpgid"] == event["pgid"] == os.getpgid(0)
    assert event["fdlimit"] == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    assert event["cgroups"].endswith(b"\0")
    assert event["cgroups"].split(b"=")[1].startswith(b"/")
    assert event.latency > 10_000


def test_long_arguments_are_cut_and_still_end(tracer):
    event = tracer.command(["/bin/true", "y" * 9000]).one("SYSCALL_EXECVE_19_X", res=0)
    assert 4000 < len(event["args"]) <= 4096
    assert event["args"].endswith(b"y\0")


def test_failed_exec_shows_what_was_asked_for(tracer):
    run = tracer.run("import os\ntry: os.execve('/no/prog', ['zero', 'one', 'two'], {'K': 'v'})\nexcept OSError: pass")
    event = run.one("SYSCALL_EXECVE_19_X", res=-2)
    assert (event["exe"], event["args"], event["env"]) == ("zero", b"one\0two\0", b"K=v\0")
    assert event["filename"] == "/no/prog"
    assert "python" in event["trusted_exepath"]


def test_execveat_of_a_memfd(tracer):
    script = """
import os, shutil
fd = os.memfd_create("hidden")
with open("/bin/true", "rb") as source, open(fd, "wb", closefd=False) as target:
    shutil.copyfileobj(source, target)
os.execve(fd, ["shown"], {})
"""
    event = tracer.run(script).one("SYSCALL_EXECVEAT_X", res=0)
    assert event["exe"] == "shown"
    assert event["trusted_exepath"].startswith("/memfd:hidden")
    assert event["flags"] & 0x4


def test_fork_is_told_by_both_sides_and_the_child_first(tracer):
    script = """
import os
child = os.fork()
if child == 0:
    os._exit(7)
os.waitpid(child, 0)
print(child)
"""
    run = tracer.run(script)
    child = int(run.out)
    parent_side = [r for r in run.own if r.id in BORN and r["res"] == child]
    child_side = [r for r in run.all if r.id in BORN and r.tid == child]
    assert len(parent_side) == len(child_side) == 1
    born, told = child_side[0], parent_side[0]
    assert born["res"] == 0
    assert (born["tid"], born["pid"], born["ptid"]) == (child, child, run.pid)
    assert (told["tid"], told["pid"], told["ptid"]) == (run.pid, run.pid, os.getpid())
    assert born["exe"] == told["exe"]
    assert born["args"] == told["args"]
    assert born.type == told.type
    first = next(r for r in run.all if r.tid == child)
    assert first is born
    end = [r for r in run.all if r.tid == child and r.name == "procexit"]
    assert [(r["ret"], r["sig"], r["status"]) for r in end] == [(7, 0, 7 << 8)]


def test_thread_belongs_to_its_process(tracer):
    run = tracer.run(
        "import threading, os\nt = threading.Thread(target=os.getppid); t.start(); print(t.native_id); t.join()"
    )
    tid = int(run.out)
    born = [r for r in run.all if r.tid == tid and r.id in BORN]
    assert len(born) == 1
    assert (born[0]["tid"], born[0]["pid"], born[0].pid) == (tid, run.pid, run.pid)
    assert born[0]["flags"] & 0x2000, "CLONE_THREAD"
    assert born[0]["flags"] & 0x1, "CLONE_FILES"


def test_death_by_signal_and_kill(tracer):
    run = tracer.run("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", check=False)
    assert run.one("SYSCALL_KILL_X").params == {"res": 0, "pid": run.pid, "sig": 15}
    end = next(r for r in run.own if r.name == "procexit")
    assert (end["status"], end["ret"], end["sig"], end["core"]) == (15, 0, 15, 0)


def test_reaper_of_orphans(tracer):
    script = """
import os, time
if os.fork() == 0:
    if os.fork() == 0:
        time.sleep(0.05)
    os._exit(0)
print(os.wait()[0])
"""
    run = tracer.run(script)
    end = next(r for r in run.all if r.tid == int(run.out) and r.name == "procexit")
    assert end["reaper_tid"] == 1


def test_identity_calls(tracer):
    script = """
import os
if os.fork() == 0:
    os.setresgid(-1, 12, 13); os.setgid(11); os.setresuid(-1, 22, 0); os.setuid(22); os._exit(0)
os.wait()
"""
    run = tracer.run(script)
    calls = {r.id: r.params for r in run.all if r.id.startswith("SYSCALL_SET")}
    assert calls["SYSCALL_SETRESGID_X"] == {"res": 0, "rgid": 0xFFFFFFFF, "egid": 12, "sgid": 13}
    assert calls["SYSCALL_SETRESUID_X"]["euid"] == 22
    assert calls["SYSCALL_SETUID_X"]["uid"] == 22


def test_latency_and_time_of_a_sleep_and_of_a_blocked_read(tracer):
    script = """
import os, threading, time
r, w = os.pipe()
threading.Timer(0.15, lambda: os.write(w, b"x")).start()
os.read(r, 1)
time.sleep(0.2)
print(r)
"""
    before = time.time_ns()
    run = tracer.run(script)
    after = time.time_ns()
    read = run.one("SYSCALL_READ_X", fd=int(run.out), data=b"x")
    assert 0.1e9 < read.latency < 0.5e9
    slept = [r for r in run.own if 0.2e9 <= r.latency < 0.3e9]
    assert slept, "no call of 0.2 s"
    assert all(before <= r.ts <= after for r in run.own)
    assert all(r.cpu < os.cpu_count() for r in run.own)


def test_own_records_are_left_out(tracer):
    run = tracer.run("pass")
    os.getppid()
    assert not [r for r in run.all if r.pid == os.getpid()]
