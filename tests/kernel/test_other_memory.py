"""What a process does with the memory of another one: the data of the event is what went over."""

import struct

import pytest

pytestmark = pytest.mark.kernel

SCRIPT = """
import ctypes, os, signal
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long] * 2 + [ctypes.c_void_p] * 2
libc.ptrace.restype = ctypes.c_long
word = ctypes.create_string_buffer(b"abcdefgh" * 4)
there = ctypes.addressof(word)
child = os.fork()
if child == 0:
    signal.pause()
def vector(*parts):
    flat = [number for part in parts for number in part]
    return (ctypes.c_uint64 * len(flat))(*flat)
def call(name, *args):
    result = getattr(libc, name)(*args)
    assert result >= 0, (name, ctypes.get_errno())
    return result
mine = ctypes.create_string_buffer(20)
at = ctypes.addressof(mine)
call("process_vm_readv", child, vector((at, 3), (at + 10, 5)), 2, vector((there, 8)), 1, 0)
mine.raw = b"WRITTEN" + bytes(13)
call("process_vm_writev", child, vector((at, 7)), 1, vector((there + 8, 7)), 1, 0)
ATTACH, PEEK, CONT, DETACH = 16, 2, 7, 17
call("ptrace", ATTACH, child, None, None)
os.waitpid(child, 0)
libc.ptrace(PEEK, child, there + 8, None)
call("ptrace", DETACH, child, None, signal.SIGKILL)
os.waitpid(child, 0)
print(child, there)
"""


def test_words_and_buffers_of_another_process(tracer):
    run = tracer.run(SCRIPT)
    child, there = map(int, run.out.split())
    assert run.one("SYSCALL_PROCESS_VM_READV_X").params == {"res": 8, "pid": child, "data": b"abcdefgh"}
    assert run.one("SYSCALL_PROCESS_VM_WRITEV_X").params == {"res": 7, "pid": child, "data": b"WRITTEN"}
    peek = run.one("SYSCALL_PTRACE_X", request=3)
    assert peek["pid"] == child
    assert peek["addr"] == struct.pack("<BQ", 0, there + 8)
    assert peek["data"] == b"\0WRITTENh"
    assert run.one("SYSCALL_PTRACE_X", request=0xC)["data"] == b"\1\x09"
