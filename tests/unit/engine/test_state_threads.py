import pytest

from tests.lua_probe import Probe
from tests.synthetic import Stream

CLONE_FILES, CLONE_THREAD, IN_PIDNS = 1, 8192, 536870912
O_CLOEXEC = 4096


@pytest.fixture
def probe():
    made = Probe()
    made.note("ev.thread.comm")
    return made


def born(tid, values, res, **header):
    facts = {
        "res": res,
        "exe": "sh",
        "args": b"-c\0x\0",
        "comm": "sh",
        "tid": tid,
        "pid": tid,
        "vtid": tid,
        "vpid": tid,
    }
    return Stream().call("SYSCALL_CLONE_20_X", facts | values, tid, **header)


def parent_with_files():
    stream = Stream().thread(
        10, comm="bash", exe="-bash", exepath="/bin/bash", cwd="/root", env=b"A=1\0", uid=7, loginuid=8
    )
    return stream.event("SYSCALL_OPEN_X", 10, fd=3, name="/etc/passwd")


def test_snapshot_threads_are_known(probe):
    probe.feed(Stream().thread(10, comm="bash", args=b"-l\0", env=b"A=1\0B=2\0", cwd="/root", vm_size=44, uid=3))
    assert probe.thread(10, "known")
    assert (probe.thread(10, "comm"), probe.thread(10, "args"), probe.thread(10, "env")) == (
        b"bash",
        b"-l\0",
        b"A=1\0B=2",
    )
    assert (probe.thread(10, "cwd"), probe.thread(10, "vmsize"), probe.thread(10, "uid")) == (b"/root/", 44, 3)


def test_an_unknown_thread_gets_a_placeholder(probe):
    probe.feed(Stream().event("SYSCALL_READ_X", 77, pid=70, res=1, cgroup=5))
    assert probe.thread(77, "known") is False
    assert (probe.thread(77, "pid"), probe.thread(77, "comm"), probe.thread(77, "uid")) == (70, b"<NA>", 2**32 - 1)
    assert probe.value("threads.get(77).main == threads.get(70)")
    assert probe.thread(77, "cgroup") == 5


def test_a_new_thread_of_a_known_process_takes_its_name(probe):
    probe.feed(Stream().thread(70, comm="java").event("SYSCALL_READ_X", 77, pid=70, res=1))
    assert probe.thread(77, "comm") == b"java"
    assert probe.thread(77, "cwd") == b"/home/"


def test_a_reused_tid_is_another_thread(probe):
    probe.feed(Stream().thread(77, 70, comm="old").event("SYSCALL_READ_X", 77, pid=99, res=1))
    assert (probe.thread(77, "pid"), probe.thread(77, "comm")) == (99, b"<NA>")


def test_a_fork_seen_by_the_parent(probe):
    probe.feed(parent_with_files())
    probe.feed(born(10, {"ptid": 1, "flags": 0}, 11))
    assert (probe.thread(11, "ptid"), probe.thread(11, "exepath"), probe.thread(11, "comm")) == (
        10,
        b"/bin/bash",
        b"sh",
    )
    assert (probe.thread(11, "cwd"), probe.thread(11, "env"), probe.thread(11, "loginuid")) == (b"/root/", b"A=1", 8)
    assert probe.fd(11, 3) == b"/etc/passwd"


def test_forked_fd_tables_part(probe):
    probe.feed(parent_with_files())
    probe.feed(born(10, {"ptid": 1, "flags": 0}, 11))
    probe.feed(Stream().event("SYSCALL_CLOSE_X", 10, res=0, fd=3).event("SYSCALL_READ_X", 10, res=1))
    assert probe.fd(10, 3) is None
    assert probe.fd(11, 3) == b"/etc/passwd"


def test_the_childs_view_comes_first(probe):
    probe.feed(parent_with_files())
    probe.feed(born(11, {"ptid": 10, "flags": 0}, 0))
    assert probe.thread(11, "ptid") == 10
    probe.lua("threads.get(11).mark = true")
    probe.feed(born(10, {"flags": 0}, 11))
    assert probe.thread(11, "mark"), "the parent's view must not make the child again"


def test_the_childs_view_comes_second(probe):
    probe.feed(parent_with_files())
    probe.feed(born(10, {"flags": 0}, 11))
    probe.lua("threads.get(11).mark = true")
    probe.feed(born(11, {"ptid": 10, "flags": 0}, 0))
    assert probe.thread(11, "mark")


def test_a_clone_into_a_pid_namespace_is_known_from_the_child_only(probe):
    probe.feed(parent_with_files())
    probe.feed(born(10, {"flags": IN_PIDNS}, 11))
    assert probe.thread(11, "tid") is None
    probe.feed(born(500, {"ptid": 10, "flags": IN_PIDNS, "vtid": 1, "vpid": 1}, 0))
    assert (probe.thread(500, "vpid"), probe.thread(500, "exepath")) == (1, b"/bin/bash")


def test_threads_share_fds_and_count(probe):
    probe.feed(parent_with_files())
    probe.feed(born(10, {"flags": CLONE_THREAD + CLONE_FILES}, 12))
    assert (probe.thread(12, "pid"), probe.thread(10, "nchilds")) == (10, 1)
    probe.feed(Stream().event("SYSCALL_OPEN_X", 12, pid=10, fd=9, name="/tmp/t"))
    assert probe.fd(10, 9) == b"/tmp/t"
    probe.feed(Stream().event("PROCEXIT_1_E", 12, pid=10).event("SYSCALL_READ_X", 10, res=1))
    assert (probe.thread(12, "tid"), probe.thread(10, "nchilds")) == (None, 0)


def test_an_exec_replaces_the_program(probe):
    probe.feed(parent_with_files())
    values = {"res": 0, "exe": "ls", "args": b"-l\0/\0", "tid": 10, "pid": 10, "ptid": 1, "comm": "ls", "env": b"X=y\0",
              "filename": "../bin/ls", "fdlimit": 99, "pgft_maj": 4, "vm_size": 7, "uid": 5}  # fmt: skip
    probe.feed(Stream().call("SYSCALL_EXECVE_19_X", values, 10))
    assert (probe.thread(10, "exe"), probe.thread(10, "args"), probe.thread(10, "comm")) == (b"ls", b"-l\0/\0", b"ls")
    assert (probe.thread(10, "exepath"), probe.thread(10, "env"), probe.thread(10, "fdlimit")) == (
        b"/bin/ls",
        b"X=y",
        99,
    )
    assert (probe.thread(10, "uid"), probe.thread(10, "pfmajor"), probe.thread(10, "ptid")) == (5, 4, 1)


def test_the_kernels_own_path_of_the_program_wins(probe):
    values = {"res": 0, "exe": "ls", "trusted_exepath": "/usr/bin/ls", "filename": "ls"}
    probe.feed(Stream().thread(10).call("SYSCALL_EXECVE_19_X", values, 10))
    assert probe.thread(10, "exepath") == b"/usr/bin/ls"


def test_a_failed_exec_changes_nothing(probe):
    probe.feed(parent_with_files().call("SYSCALL_EXECVE_19_X", {"res": -2, "exe": "ls", "comm": "ls"}, 10))
    assert probe.thread(10, "comm") == b"bash"


def test_exec_closes_what_is_marked(probe):
    probe.feed(parent_with_files().call("SYSCALL_OPEN_X", {"fd": 4, "name": "/tmp/x", "flags": O_CLOEXEC}, 10))
    probe.feed(Stream().call("SYSCALL_EXECVE_19_X", {"res": 0, "exe": "ls"}, 10))
    assert (probe.fd(10, 3), probe.fd(10, 4)) == (b"/etc/passwd", None)


def test_an_exec_ends_the_sharing_of_fds(probe):
    probe.feed(parent_with_files())
    probe.feed(born(10, {"flags": CLONE_FILES}, 11))
    probe.feed(Stream().event("SYSCALL_OPEN_X", 10, fd=5, name="/tmp/s"))
    assert probe.fd(11, 5) == b"/tmp/s"
    probe.feed(Stream().call("SYSCALL_EXECVE_19_X", {"res": 0, "exe": "ls"}, 11))
    probe.feed(Stream().event("SYSCALL_OPEN_X", 10, fd=6, name="/tmp/u"))
    assert (probe.fd(11, 5), probe.fd(11, 6)) == (b"/tmp/s", None)


def family():
    stream = Stream().thread(1, comm="init").thread(10, ptid=1, comm="sh")
    return stream.thread(20, ptid=10, comm="daemon").thread(30, ptid=20, comm="worker")


def test_children_of_a_process_that_ends_get_the_parent_that_the_kernel_gave_them(probe):
    probe.feed(family().event("PROCEXIT_1_E", 10, reaper_tid=1).event("SYSCALL_READ_X", 20, res=1))
    assert (probe.thread(20, "ptid"), probe.thread(30, "ptid")) == (1, 20)
    assert probe.value("threads.get(10)") is None


def test_children_that_go_to_another_thread_of_the_process_keep_their_parent(probe):
    stream = family().event("SYSCALL_READ_X", 11, pid=10, res=1)
    probe.feed(stream.event("PROCEXIT_1_E", 11, pid=10, reaper_tid=10).event("SYSCALL_READ_X", 20, res=1))
    assert probe.thread(20, "ptid") == 10


def test_children_of_a_main_thread_that_ends_before_others_stay_with_its_process(probe):
    stream = family().event("SYSCALL_READ_X", 11, pid=10, res=1)
    probe.feed(stream.event("PROCEXIT_1_E", 10, reaper_tid=1).event("SYSCALL_READ_X", 20, res=1))
    assert probe.thread(20, "ptid") == 10
    probe.feed(Stream().event("PROCEXIT_1_E", 11, pid=10, reaper_tid=1).event("SYSCALL_READ_X", 20, res=1))
    assert probe.thread(20, "ptid") == 1


def test_the_end_is_seen_by_its_own_event(probe):
    probe.feed(Stream().thread(10, comm="bye").event("PROCEXIT_1_E", 10))
    assert probe.noted() == ["bye"]
    assert probe.thread(10, "comm") == b"bye"
    probe.feed(Stream().event("SYSCALL_READ_X", 99, res=1))
    assert probe.thread(10, "comm") is None


@pytest.mark.parametrize(
    ("event", "values", "cwd"),
    [
        ("SYSCALL_CHDIR_X", {"res": 0, "path": "../tmp/./x/"}, b"/tmp/x/"),
        ("SYSCALL_CHDIR_X", {"res": 0, "path": "/"}, b"/"),
        ("SYSCALL_CHDIR_X", {"res": -2, "path": "/no"}, b"/home/"),
        ("SYSCALL_FCHDIR_X", {"res": 0, "fd": 3}, b"/srv/d/"),
        ("SYSCALL_GETCWD_X", {"res": 4, "path": "/var"}, b"/var/"),
    ],
)
def test_working_directories(probe, event, values, cwd):
    probe.feed(Stream().thread(10).event("SYSCALL_OPEN_X", 10, fd=3, name="/srv/d"))
    probe.feed(Stream().event(event, 10, **values))
    assert probe.thread(10, "cwd") == cwd


def test_ids_limits_and_names(probe):
    stream = Stream().thread(10, uid=0, gid=0).event("SYSCALL_SETUID_X", 10, res=0, uid=5)
    stream.event("SYSCALL_SETRESGID_X", 10, res=0, rgid=1, egid=6, sgid=1)
    stream.event("SYSCALL_SETRESUID_X", 10, res=0, ruid=1, euid=2**32 - 1, suid=1)
    stream.event("SYSCALL_SETRLIMIT_X", 10, res=0, cur=500, max=600, resource=7)
    stream.event("SYSCALL_PRCTL_X", 10, res=0, option=15, arg2_str="worker")
    stream.event("SYSCALL_SETSID_X", 10, res=10)
    probe.feed(stream.event("SYSCALL_BRK_4_X", 10, res=1, vm_size=11, vm_rss=12, vm_swap=13))
    assert (probe.thread(10, "uid"), probe.thread(10, "gid"), probe.thread(10, "fdlimit")) == (5, 6, 500)
    assert (probe.thread(10, "comm"), probe.thread(10, "sid"), probe.thread(10, "vmrss")) == (b"worker", 10, 12)


def test_memory_counters_follow_accepted_events_only(probe):
    probe.filter("ev.name ~= 'brk'")
    probe.feed(Stream().thread(10, vm_size=1).event("SYSCALL_BRK_4_X", 10, res=1, vm_size=11))
    assert probe.thread(10, "vmsize") == 1


def test_threads_with_negative_numbers_are_found_both_ways(probe):
    seen = probe.lua("""
        local function seen() return tostring(threads.get(-1) ~= nil) .. tostring(threads.below_zero[-1] ~= nil) end
        local first = threads.placeholder(-1, -1)
        local second = threads.create(-1, -1)
        threads.remove(first)
        local there, same = seen(), threads.below_zero[-1] == second
        threads.remove(second)
        local gone = seen()
        threads.placeholder(-1, -1)
        threads.clear()
        return there, same, gone, seen()""")
    assert seen == (b"truetrue", True, b"falsefalse", b"falsefalse")
