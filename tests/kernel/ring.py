"""A small io_uring, by the system calls alone: what the programs of the tests submit their requests with.

`Ring(entries, flags)`; `ring.put(op, ...)` writes a submission entry; `ring.run(n)` submits all and waits for n
completions, which are returned as (user_data, res, flags).
"""

import ctypes
import mmap
import os
import struct

LIBC = ctypes.CDLL(None, use_errno=True)
SETUP, ENTER, REGISTER = 425, 426, 427
GETEVENTS, WAKEUP = 1, 2
SQPOLL, SINGLE_ISSUER, DEFER = 1 << 1, 1 << 12, 1 << 13
FIXED_FILE, LINK, ASYNC, BUFFER_SELECT, SILENT = 1 << 0, 1 << 2, 1 << 4, 1 << 5, 1 << 6
READV, WRITEV, FSYNC, READ_FIXED, WRITE_FIXED, SENDMSG, RECVMSG, TIMEOUT, ACCEPT, CONNECT = (
    1,
    2,
    3,
    4,
    5,
    9,
    10,
    11,
    13,
    16,
)
OPENAT, CLOSE, READ, WRITE, SEND, RECV, OPENAT2, SPLICE, PROVIDE, SHUTDOWN = 18, 19, 22, 23, 26, 27, 28, 30, 31, 34
RENAMEAT, UNLINKAT, MKDIRAT, SYMLINKAT, LINKAT, SOCKET, BIND, LISTEN, PIPE = 35, 36, 37, 38, 39, 45, 56, 57, 62
REGISTER_BUFFERS, REGISTER_FILES = 0, 2
AT_FDCWD = -100


def call(number, *args):
    result = LIBC.syscall(number, *args)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def address(buffer):
    return ctypes.addressof(buffer)


def text(value):
    return ctypes.create_string_buffer(os.fsencode(value))


class Ring:
    def __init__(self, entries=32, flags=0):
        params = (ctypes.c_uint32 * 30)()
        params[2], params[4] = flags, 50
        self.fd = call(SETUP, entries, params)
        (self.entries,) = params[:1]
        sq, cq = list(params[10:20]), list(params[20:30])
        size = max(sq[6] + params[0] * 4, cq[5] + params[1] * 16)
        self.ring = mmap.mmap(self.fd, size, offset=0)
        self.sqes = mmap.mmap(self.fd, params[0] * 64, offset=0x10000000)
        self.sq_tail, self.sq_mask, self.sq_array = sq[1], self._word(sq[2]), sq[6]
        self.cq_head, self.cq_tail, self.cq_mask, self.cqes = cq[0], cq[1], self._word(cq[2]), cq[5]
        self.waiting = 0
        self.kept = []
        self.flags = flags

    def _word(self, at):
        return struct.unpack_from("<I", self.ring, at)[0]

    def put(
        self, op, fd=-1, addr=0, length=0, off=0, op_flags=0, flags=0, priority=0, data=0, buffer=0, index=0, keep=None
    ):
        """Write one entry; `addr` and `off` may be ctypes buffers."""
        self.kept += [addr, off, keep]
        addr, off = (value if isinstance(value, int) else address(value) for value in (addr, off))
        tail = self._word(self.sq_tail)
        at = tail & self.sq_mask
        sqe = struct.pack(
            "<BBHiQQIIQHHIQQ", op, flags, priority, fd, off & (1 << 64) - 1, addr, length & 0xFFFFFFFF,
            op_flags & 0xFFFFFFFF, data, buffer, 0, index & 0xFFFFFFFF, 0, 0,
        )  # fmt: skip
        self.sqes[at * 64 : at * 64 + 64] = sqe
        struct.pack_into("<I", self.ring, self.sq_array + at * 4, at)
        struct.pack_into("<I", self.ring, self.sq_tail, tail + 1 & 0xFFFFFFFF)
        self.waiting += 1

    def submit(self, wait=0):
        flags = GETEVENTS if wait or self.flags & DEFER else 0
        if self.flags & SQPOLL:
            flags |= WAKEUP
        call(ENTER, self.fd, self.waiting, wait, flags, None, 0)
        self.waiting = 0

    def completions(self):
        found = []
        head, tail = self._word(self.cq_head), self._word(self.cq_tail)
        while head != tail:
            found.append(struct.unpack_from("<QiI", self.ring, self.cqes + (head & self.cq_mask) * 16))
            head = head + 1 & 0xFFFFFFFF
        struct.pack_into("<I", self.ring, self.cq_head, head)
        return found

    def run(self, count):
        self.submit(count)
        found = self.completions()
        while len(found) < count:
            call(ENTER, self.fd, 0, 1, GETEVENTS, None, 0)
            found += self.completions()
        return found

    def one(self, op, **entry):
        """Submit one request, wait for it, and return its result."""
        self.put(op, **entry)
        ((_, result, _),) = self.run(1)
        return result

    def register(self, what, array, count):
        call(REGISTER, self.fd, what, array, count)
