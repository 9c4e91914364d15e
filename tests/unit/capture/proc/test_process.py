"""Threads of real processes, and the texts that real ones do not always have at hand."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sysdig_py.capture.machine import boot_ts
from sysdig_py.capture.proc import process
from sysdig_py.capture.proc.process import cgroup_parameter, split_command, whole_strings
from sysdig_py.capture.proc.reading import directory
from sysdig_py.schema.events import flag_tables
from sysdig_py.schema.state import State
from tests.unit.state_records import Told, parse

CLONE = dict(flag_tables()["clone_flags"])


def threads_of(pid: int, cgroup_id: int = 5, cgroups: bytes = b"pids=/x\0") -> list[Told]:
    with directory(f"/proc/{pid}") as process_fd:
        shared = process.read_process(process_fd, pid, cgroup_id, cgroups)
        return [parse(record) for record in process.thread_records(process_fd, shared, boot_ts())]


@contextmanager
def child(*command: str, **options: object) -> Iterator[subprocess.Popen[bytes]]:
    started = subprocess.Popen(command, **options)  # type: ignore[call-overload]
    try:
        yield started
    finally:
        started.kill()
        started.wait()


def exec_done(pid: int, comm: str) -> None:
    deadline = time.monotonic() + 5
    while Path(f"/proc/{pid}/comm").read_text() != comm + "\n" and time.monotonic() < deadline:
        time.sleep(0.002)


def test_a_process_of_our_own_making(tmp_path: os.PathLike[str]) -> None:
    environment = {"A": "1", "B": "x y"}
    script = "ulimit -n 77; exec /bin/sleep 30 0"
    with child("/bin/sh", "-c", script, cwd=tmp_path, env=environment, start_new_session=True) as sleep:
        exec_done(sleep.pid, "sleep")
        (told,) = threads_of(sleep.pid)
    pid = sleep.pid
    assert (told.type, told.tid, told.pid, told.cgroup_id) == (State.THREAD, pid, pid, 5)
    assert [told[n] for n in ("tid", "pid", "ptid", "sid", "pgid", "vpgid", "vtid", "vpid")] == [
        pid,
        pid,
        os.getpid(),
        pid,
        pid,
        pid,
        pid,
        pid,
    ]
    assert (told["comm"], told["exe"], told["args"]) == ("sleep", "/bin/sleep", b"30\x000\0")
    assert (told["exepath"], told["cwd"], told["root"]) == (os.path.realpath("/bin/sleep"), str(tmp_path), "/")
    assert (told["env"], told["cgroups"], told["fdlimit"]) == (
        b"A=1\0B=x y\0PWD=" + os.fsencode(tmp_path) + b"\0",
        b"pids=/x\0",
        77,
    )
    assert (told["uid"], told["gid"], told["flags"], told["tty"]) == (os.geteuid(), os.getegid(), 0, 0)
    assert told["vm_size"] > told["vm_rss"] > 0
    assert told["pgft_min"] > 0
    assert abs(told["start_ts"] - time.time_ns()) < 10**10


def test_threads_follow_their_main_thread() -> None:
    stop, names = threading.Event(), []

    def run() -> None:
        names.append(threading.get_native_id())
        stop.wait()

    helper = threading.Thread(target=run)
    helper.start()
    try:
        while not names:
            time.sleep(0.001)
        told = threads_of(os.getpid())
    finally:
        stop.set()
        helper.join()
    assert told[0]["tid"] == os.getpid() and told[0]["flags"] == 0
    thread = next(t for t in told if t["tid"] == names[0])
    assert (thread.tid, thread.pid, thread["pid"]) == (names[0], os.getpid(), os.getpid())
    assert thread["flags"] == CLONE["CLONE_THREAD"] | CLONE["CLONE_FILES"]
    assert (thread["exe"], thread["args"]) == (told[0]["exe"], told[0]["args"])
    assert (thread["env"], thread["cwd"]) == (b"", "")


def test_effective_ids_count() -> None:
    if os.geteuid() != 0:
        pytest.skip("changing ids needs root")
    code = "import os,time; os.setresgid(0, 12, 0); os.setresuid(0, 11, 0); print(flush=True); time.sleep(30)"
    with child(sys.executable, "-c", code, stdout=subprocess.PIPE) as changed:
        assert changed.stdout
        changed.stdout.readline()
        (told, *_) = threads_of(changed.pid)
        changed.stdout.close()
    assert (told["uid"], told["gid"]) == (11, 12)


def test_a_process_in_its_own_pid_namespace_has_both_ids() -> None:
    if os.geteuid() != 0:
        pytest.skip("a pid namespace needs root")
    with child("unshare", "--pid", "--fork", "--kill-child", "sleep", "30") as outer:
        path = Path(f"/proc/{outer.pid}/task/{outer.pid}/children")
        deadline = time.monotonic() + 5
        while not (inner := path.read_text().split()) and time.monotonic() < deadline:
            time.sleep(0.005)
        (told,) = threads_of(int(inner[0]))
    assert (told["tid"], told["vtid"], told["vpid"], told["ptid"]) == (int(inner[0]), 1, 1, outer.pid)


def test_a_zombie_is_told_as_far_as_it_exists() -> None:
    with child("/bin/true") as ended:
        os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
        (told,) = threads_of(ended.pid)
    assert (told["comm"], told["exe"], told["args"], told["vm_size"]) == ("true", "", b"", 0)


def test_kernel_threads_have_a_name_and_nothing_else() -> None:
    second = Path("/proc/2/comm")
    if not second.exists() or second.read_text() != "kthreadd\n":
        pytest.skip("no kernel threads in this pid namespace")
    (told,) = threads_of(2)
    assert (told["comm"], told["exe"], told["exepath"], told["args"]) == ("kthreadd", "", "", b"")


@pytest.mark.parametrize("name", [b"a) b (c", b"x y", b")"])
def test_any_name_is_read(name: bytes) -> None:
    code = f"import time; open('/proc/self/comm','wb').write({name!r}); print(flush=True); time.sleep(30)"
    with child(sys.executable, "-c", code, stdout=subprocess.PIPE) as odd:
        assert odd.stdout
        odd.stdout.readline()
        (told,) = threads_of(odd.pid)
        odd.stdout.close()
    assert told["comm"] == name.decode()


@pytest.mark.parametrize(
    ("command", "exe", "args"),
    [
        (b"", b"", b""),
        (b"ls\0", b"ls", b""),
        (b"ls\0-l\0\0", b"ls", b"-l\0\0"),
        (b"nginx: worker process" + bytes(30), b"nginx: worker process", b""),
        (b"cut off\0in the mid", b"cut off", b"in the mid\0"),
    ],
)
def test_split_command(command: bytes, exe: bytes, args: bytes) -> None:
    assert split_command(command) == (exe, args)


def test_a_cut_environment_ends_with_a_whole_entry() -> None:
    assert whole_strings(b"A=1\0B=2\0", 100) == b"A=1\0B=2\0"
    assert whole_strings(b"A=1\0B=2", 7) == b"A=1\0"


def test_cgroup_parameter() -> None:
    text = "4:cpu,cpuacct:/c\n1:name=systemd:/s\n0::/u\n"
    assert cgroup_parameter(text, ()) == b"cpu=/c\0cpuacct=/c\0name=systemd=/s\0"
    assert cgroup_parameter("0::/u\n", ("cpu", "io")) == b"cpu=/u\0io=/u\0"
