"""File calls: each by a small program that does exactly that, parameter by parameter."""

import os

import pytest

pytestmark = pytest.mark.kernel

PPM_RDONLY, PPM_WRONLY, PPM_RDWR, PPM_CREAT, PPM_TRUNC, PPM_CLOEXEC, PPM_CREATED = 1, 2, 3, 4, 0x100, 0x1000, 0x4000


def test_openat_tells_name_flags_mode_device_and_inode(tracer, tmp_path):
    path = tmp_path / "made"
    run = tracer.run(
        "import os, sys; fd = os.open(sys.argv[1], os.O_CREAT | os.O_RDWR | os.O_TRUNC, 0o640); print(fd)", str(path)
    )
    event = run.one("SYSCALL_OPENAT_2_X", name=str(path))
    stat = path.stat()
    assert event["fd"] == int(run.out)
    assert event["dirfd"] == -100
    assert event["flags"] == PPM_RDWR | PPM_CREAT | PPM_TRUNC | PPM_CLOEXEC | PPM_CREATED
    assert event["mode"] == 0o640
    assert event["dev"] == (os.major(stat.st_dev) << 8 | os.minor(stat.st_dev) & 0xFF)
    assert event["ino"] == stat.st_ino


def test_openat_that_fails_has_the_error_and_the_name(tracer):
    event = tracer.run("import os\ntry: os.open('/no/such', 0)\nexcept OSError: pass").one(
        "SYSCALL_OPENAT_2_X", name="/no/such"
    )
    assert (event["fd"], event["dev"], event["ino"]) == (-2, 0, 0)


def test_open_creat_and_openat2(tracer, tmp_path):
    script = """
import ctypes, os, struct, sys
libc = ctypes.CDLL(None)
name = sys.argv[1].encode()
print(libc.syscall(2, name + b"1", os.O_CREAT | os.O_WRONLY, 0o600), libc.syscall(85, name + b"2", 0o604))
how = struct.pack("QQQ", os.O_CREAT | os.O_RDONLY, 0o666, 0x8)
os.chdir(os.path.dirname(sys.argv[1]))
print(libc.syscall(437, -100, b"relative", how, len(how)))
"""
    run = tracer.run(script, str(tmp_path / "f"))
    if os.uname().machine != "x86_64":
        pytest.skip("open and creat exist on x86_64 only")
    assert run.one("SYSCALL_OPEN_X", name=str(tmp_path / "f1"))["flags"] == PPM_WRONLY | PPM_CREAT | PPM_CREATED
    assert run.one("SYSCALL_CREAT_X", name=str(tmp_path / "f2"))["mode"] == 0o604
    event = run.one("SYSCALL_OPENAT2_X", name="relative")
    assert (event["flags"], event["mode"], event["resolve"]) == (PPM_RDONLY | PPM_CREAT | PPM_CREATED, 0o666, 1)
    assert event["ino"] == (tmp_path / "relative").stat().st_ino


def test_reads_and_writes_keep_the_first_bytes(tracer, tmp_path):
    script = """
import os, sys
fd = os.open(sys.argv[1], os.O_CREAT | os.O_RDWR)
os.write(fd, b"abc" * 100)
os.pwrite(fd, b"XYZ", 3)
os.lseek(fd, 0, 0)
os.read(fd, 1000)
os.pread(fd, 4, 3)
os.writev(fd, [b"one", b"", b"two" * 50])
os.lseek(fd, 0, 0)
os.readv(fd, [bytearray(5), bytearray(7)])
os.preadv(fd, [bytearray(2), bytearray(3)], 1)
os.pwritev(fd, [b"12", b"34"], 2)
print(fd)
"""
    run = tracer.run(script, str(tmp_path / "f"))
    fd = int(run.out)
    full = b"abcXYZ" + b"abc" * 98
    assert run.one("SYSCALL_WRITE_X", fd=fd).params == {"res": 300, "data": (b"abc" * 100)[:80], "fd": fd, "size": 300}
    assert run.one("SYSCALL_PWRITE_X", fd=fd).params == {"res": 3, "data": b"XYZ", "fd": fd, "size": 3, "pos": 3}
    assert run.one("SYSCALL_READ_X", fd=fd, size=1000).params == {"res": 300, "data": full[:80], "fd": fd, "size": 1000}
    assert run.one("SYSCALL_PREAD_X", fd=fd, size=4, pos=3).params == {
        "res": 4,
        "data": b"XYZa",
        "fd": fd,
        "size": 4,
        "pos": 3,
    }
    vector = (b"one" + b"two" * 50)[:80]
    assert run.one("SYSCALL_WRITEV_X", fd=fd).params == {"res": 153, "data": vector, "fd": fd, "size": 153}
    assert run.one("SYSCALL_READV_X", fd=fd).params == {"res": 12, "size": 12, "data": full[:12], "fd": fd}
    preadv = run.of("SYSCALL_PREADV_X", fd=fd)
    if preadv:
        assert preadv[0].params == {"res": 5, "size": 5, "data": full[1:6], "fd": fd, "pos": 1}
        assert run.one("SYSCALL_PWRITEV_X", fd=fd)["data"] == b"1234"
    assert run.of("SYSCALL_LSEEK_X", fd=fd, offset=0, whence=0)[0]["res"] == 0


def test_failed_read_has_no_data_and_failed_write_shows_what_it_was_given(tracer):
    run = tracer.run(
        "import os\nfor f in (lambda: os.read(77, 5), lambda: os.write(77, b'lost')):\n"
        "  try: f()\n  except OSError: pass"
    )
    assert run.one("SYSCALL_READ_X", fd=77).params == {"res": -9, "data": b"", "fd": 77, "size": 5}
    assert run.one("SYSCALL_WRITE_X", fd=77).params == {"res": -9, "data": b"lost", "fd": 77, "size": 4}


def test_close(tracer):
    run = tracer.run("import os; os.close(os.dup(1))\ntry: os.close(99)\nexcept OSError: pass")
    assert run.one("SYSCALL_CLOSE_X", fd=99)["res"] == -9


# aarch64 has none of the calls that one with a directory's fd took the place of, and libc makes these instead
HAS_OLD_CALLS = os.uname().machine == "x86_64"


def by_name(run, old, new, **params):
    return run.one(f"SYSCALL_{old if HAS_OLD_CALLS else new}_X", **params)


def test_names_and_directories(tracer, tmp_path):
    script = """
import os, sys
os.chdir(sys.argv[1])
os.mkdir("d", 0o750)
os.rename("d", "e")
os.rmdir("e")
os.close(os.open("f", os.O_CREAT))
os.link("f", "g")
os.symlink("f", "s")
os.chmod("f", 0o600)
fd = os.open(".", 0)
os.fchdir(fd)
os.unlink("f")
os.unlink("g", dir_fd=fd)
os.rename("s", "t", src_dir_fd=fd, dst_dir_fd=fd)
os.getcwd()
print(fd)
"""
    run = tracer.run(script, str(tmp_path))
    fd = int(run.out)
    assert run.one("SYSCALL_CHDIR_X")["path"] == str(tmp_path)
    by_name(run, "MKDIR_2", "MKDIRAT", res=0, path="d", mode=0o750)
    by_name(run, "RENAME", "RENAMEAT", res=0, oldpath="d", newpath="e")
    assert bool(run.of("SYSCALL_RMDIR_2_X", path="e")) == HAS_OLD_CALLS
    assert bool(run.of("SYSCALL_UNLINKAT_2_X", name="e", flags=0x200)) != HAS_OLD_CALLS
    assert (
        run.one("SYSCALL_LINKAT_2_X")["newpath"] == "g" if run.of("SYSCALL_LINKAT_2_X") else run.one("SYSCALL_LINK_2_X")
    )
    by_name(run, "SYMLINK", "SYMLINKAT", res=0, target="f", linkpath="s")
    by_name(run, "CHMOD", "FCHMODAT", res=0, filename="f", mode=0o600)
    assert run.one("SYSCALL_FCHDIR_X").params == {"res": 0, "fd": fd}
    assert bool(run.of("SYSCALL_UNLINK_2_X", path="f")) == HAS_OLD_CALLS
    assert run.one("SYSCALL_UNLINKAT_2_X", dirfd=fd).params == {"res": 0, "dirfd": fd, "name": "g", "flags": 0}
    assert run.one("SYSCALL_RENAMEAT_X", olddirfd=fd).params == {
        "res": 0, "olddirfd": fd, "oldpath": "s", "newdirfd": fd, "newpath": "t"
    }  # fmt: skip
    assert run.one("SYSCALL_GETCWD_X")["path"] == str(tmp_path)


def test_descriptors(tracer):
    script = """
import fcntl, os
r, w = os.pipe()
d = os.dup(r)
e = fcntl.fcntl(r, fcntl.F_DUPFD_CLOEXEC, 50)
os.dup2(r, 60)
os.dup2(r, 61, inheritable=False)
import select
p = select.epoll()
print(r, w, os.fstat(r).st_ino, d, e, p.fileno())
import ctypes
print(ctypes.CDLL(None).eventfd(7, os.O_CLOEXEC))
"""
    run = tracer.run(script)
    first, second = run.out.splitlines()
    r, w, ino, _, e, epoll = map(int, first.split())
    assert run.one("SYSCALL_PIPE2_X").params == {"res": 0, "fd1": r, "fd2": w, "ino": ino, "flags": PPM_CLOEXEC}
    assert run.one("SYSCALL_FCNTL_X", cmd=0x1A, arg=50)["res"] == e
    by_name(run, "DUP2", "DUP3", res=60, oldfd=r, newfd=60)
    assert run.one("SYSCALL_DUP3_X", newfd=61)["flags"] == PPM_CLOEXEC
    assert run.one("SYSCALL_EPOLL_CREATE1_X").params == {"res": epoll, "flags": 1}
    assert run.one("SYSCALL_EVENTFD2_X").params == {"res": int(second), "flags": PPM_CLOEXEC, "initval": 7}


def test_memory_calls_carry_flags_and_sizes(tracer):
    run = tracer.run("import mmap; m = mmap.mmap(-1, 123 * 4096); m[0] = 1; m.close()")
    event = run.one("SYSCALL_MMAP_X", length=123 * 4096)
    assert (event["prot"], event["flags"], event["fd"]) == (3, 0x1 | 0x8, -1)
    assert 1000 < event["vm_rss"] < event["vm_size"] < 10_000_000
    assert run.one("SYSCALL_MUNMAP_X", length=123 * 4096)["addr"] == event["res"] & (1 << 64) - 1
    assert run.of("SYSCALL_BRK_4_X")


def test_a_call_without_an_event_of_its_own_is_generic(tracer):
    run = tracer.run("import os; os.sched_yield()")
    assert run.of("GENERIC_X", nativeID=24 if os.uname().machine == "x86_64" else 124)
