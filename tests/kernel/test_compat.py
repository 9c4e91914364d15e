"""Calls of the 32-bit table, from a 32-bit program and by int 0x80 from a 64-bit one."""

import ctypes
import os
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from sysdig_py.schema.events import syscall_names
from sysdig_py.schema.record import Flag

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(os.uname().machine != "x86_64", reason="only the table of 32-bit x86 is known"),
    pytest.mark.skipif(shutil.which("as") is None, reason="no assembler: apt-get install binutils"),
]


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compat")
    subprocess.run(["as", "--32", "-o", folder / "o", Path(__file__).with_name("compat.S")], check=True)
    subprocess.run(["ld", "-m", "elf_i386", "-o", folder / "program", folder / "o"], check=True)
    done = subprocess.run([folder / "program"], cwd=folder, check=False)
    if done.returncode:
        pytest.skip("this kernel runs no 32-bit programs (CONFIG_IA32_EMULATION)")
    return folder / "program"


def marked(found):
    return {record.id: record for record in found.own if record.flags & Flag.COMPAT32}


def test_calls_of_a_32_bit_program_are_told_by_name_with_their_parameters(tracer, program, tmp_path):
    found = tracer.command([program], cwd=tmp_path)
    events = marked(found)
    opened = events["SYSCALL_OPENAT_2_X"]
    fd = opened["fd"]
    assert (opened["dirfd"], opened["name"], opened["flags"] & 0x7, opened["mode"]) == (-100, "compat-file", 7, 0o640)
    assert opened["ino"] == (tmp_path / "compat-file").stat().st_ino
    assert events["SYSCALL_WRITE_X"].params == {"res": 5, "data": b"hello", "fd": fd, "size": 5}
    assert events["SYSCALL_READ_X"].params == {"res": 5, "data": b"hello", "fd": fd, "size": 64}
    assert events["SYSCALL_LSEEK_X"].params == {"res": 0, "fd": fd, "offset": 0, "whence": 0}
    assert events["SYSCALL_FCNTL_X"]["cmd"] == 2
    assert events["SYSCALL_CLOSE_X"].params == {"res": 0, "fd": fd}
    assert events["SYSCALL_GETUID_X"]["uid"] == os.getuid()
    assert events["SYSCALL_UNLINK_2_X"].params == {"res": -2, "path": "compat-missing"}
    assert events["SOCKET_SOCKET_X"]["domain"] == 2
    connected = events["SOCKET_CONNECT_X"]
    assert connected["res"] == -111
    assert connected["addr"] == b"\2" + bytes([127, 0, 0, 1]) + struct.pack("<H", 1)


def test_a_call_that_is_not_the_same_is_told_by_its_name(tracer, program, tmp_path):
    found = tracer.command([program], cwd=tmp_path)
    generic = {record["nativeID"]: record for record in found.of("GENERIC_X") if record.flags & Flag.COMPAT32}
    assert syscall_names()[generic[195]["ID"]] == "stat64"
    assert all(0 <= record.latency < 1e9 for record in found.own)


def test_int_0x80_of_a_64_bit_program_is_not_mistaken_for_another_call(tracer, program):
    # mov eax, 20 (getpid; 20 is writev otherwise); int 0x80; ret
    code = bytes([0xB8, 20, 0, 0, 0, 0xCD, 0x80, 0xC3])
    script = f"""
import ctypes, mmap
page = mmap.mmap(-1, 4096, prot=7)
page.write({code!r})
print(ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))())
"""
    found = tracer.run(script)
    assert int(found.out) == found.pid
    event = next(r for r in found.of("GENERIC_X", nativeID=20) if r.flags & Flag.COMPAT32)
    assert syscall_names()[event["ID"]] == "getpid"
    assert not found.of("SYSCALL_WRITEV_X")
    assert ctypes.sizeof(ctypes.c_void_p) == 8
