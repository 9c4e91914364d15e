"""Native flag bits and enumerators to those of the event schema, as data for the probe.

The schema has its own numbers because the native ones differ between architectures. Each table
becomes one entry of a BPF map; the probe walks the pairs (`extract_conversion`).
"""

from __future__ import annotations

import enum
import platform
import struct
from dataclasses import dataclass
from typing import Final

MAX_PAIRS: Final = 48
_LAST: Final = 0x80000000
_HEAD: Final = struct.Struct("<II")


class Kind(enum.IntEnum):
    """How the pairs of a table are applied."""

    BITS = 0
    ENUM = 1
    ACCESS_MODE = 2  # bits, and the low two bits are O_RDONLY, O_WRONLY, O_RDWR


class Conversion(enum.IntEnum):
    """Table numbers; 0 means the value is passed on as it is."""

    NONE = 0
    OPEN = 1
    OPEN_BITS = 2
    PROT = 3
    MMAP = 4
    CLONE = 5
    FCNTL = 6
    RESOLVE = 7
    EPOLL = 8
    PIDFD = 9
    CHOWNAT = 10
    PTRACE = 11
    SEMCTL = 12
    SEMGET = 13
    SEMOP = 14
    IO_URING = 15
    SOCKOPT = 16
    POLL = 17
    DELETE_MODULE = 18
    RLIMIT = 19
    QUOTA_COMMAND = 20
    QUOTA_TYPE = 21
    QUOTA_FORMAT = 22


@dataclass(frozen=True, slots=True)
class Table:
    """One conversion: pairs of (native, schema) values and, for enumerators, what the rest become."""

    kind: Kind
    pairs: tuple[tuple[int, int], ...]
    otherwise: int = 0

    def pack(self) -> bytes:
        """Return the map value the probe reads."""
        pairs = list(self.pairs)
        if self.kind is Kind.ENUM:
            native, ppm = pairs[-1]
            pairs[-1] = (native, ppm | _LAST)
        body = b"".join(_HEAD.pack(native, ppm) for native, ppm in pairs)
        return _HEAD.pack(self.kind, self.otherwise) + body.ljust(MAX_PAIRS * _HEAD.size, b"\0")


def _same(*values: int) -> tuple[tuple[int, int], ...]:
    return tuple((value, value) for value in values)


_ARCH_OPEN: Final = {
    "x86_64": {"direct": 0o40000, "largefile": 0o100000, "directory": 0o200000},
    "aarch64": {"direct": 0o200000, "largefile": 0o400000, "directory": 0o40000},
}
O_CREAT: Final = 0o100
O_TMPFILE_BIT: Final = 0o20000000


def largefile(arch: str) -> int:
    """Return the native O_LARGEFILE, which the kernel sets on every file of a 64-bit process."""
    return _ARCH_OPEN[arch]["largefile"]


def _open_bits(arch: str) -> tuple[tuple[int, int], ...]:
    own = _ARCH_OPEN[arch]
    return (
        (O_CREAT, 0x4),
        (0o200, 0x20),
        (0o1000, 0x100),
        (0o2000, 0x8),
        (0o4000, 0x40),
        (0o10000, 0x10),
        (0o4010000, 0x80),
        (own["direct"], 0x200),
        (own["largefile"], 0x800),
        (own["directory"], 0x400),
        (0o2000000, 0x1000),
        (O_TMPFILE_BIT | own["directory"], 0x2000),
    )


_MMAP: Final = (
    *_same(0x1, 0x2),
    (0x10, 0x4),
    (0x20, 0x8),
    (0x40, 0x10),
    (0x4000, 0x40),
    (0x8000, 0x80),
    (0x10000, 0x100),
    (0x100, 0x200),
    (0x800, 0x400),
    (0x1000, 0x800),
    (0x2000, 0x4000),
)
_CLONE: Final = (
    (0x400, 0x1),
    (0x200, 0x2),
    (0x80000000, 0x4),
    (0x8000000, 0x8),
    (0x40000000, 0x10),
    (0x20000, 0x20),
    (0x20000000, 0x40),
    (0x4000000, 0x80),
    (0x8000, 0x100),
    (0x100000, 0x200),
    (0x2000, 0x400),
    (0x800, 0x800),
    (0x40000, 0x1000),
    (0x10000, 0x2000),
    (0x800000, 0x4000),
    (0x100, 0x8000),
    (0x10000000, 0x100000),
    (0x200000, 0x800000),
    (0x1000000, 0x1000000),
    (0x80000, 0x2000000),
    (0x4000, 0x8000000),
    (0x2000000, 0x10000000),
)
_FCNTL: Final = (
    *((native, native + 1) for native in range(6)),
    (6, 8),
    (7, 9),
    (8, 0xA),
    (9, 0xC),
    (10, 0xD),
    (11, 0xF),
    (15, 0x15),
    (16, 0x16),
    (1024, 0x17),
    (1025, 0x18),
    (1029, 0x19),
    (1030, 0x1A),
    (1026, 0x1B),
    (1031, 0x1C),
    (1032, 0x1D),
    (36, 0x1E),
    (37, 0x1F),
    (38, 0x20),
)
_PTRACE: Final = (
    *((native, native + 1) for native in range(10)),
    (16, 0xB),
    (17, 0xC),
    (24, 0xD),
    *((0x4200 + i, 0xE + i) for i in range(12)),
    *((12 + i, 0x1A + i) for i in range(4)),
    (18, 0x1E),
    (19, 0x1F),
    (21, 0x20),
    (25, 0x21),
    (26, 0x22),
    *((30 + i, 0x23 + i) for i in range(4)),
)
_SEMCTL: Final = (
    (0, 0x4),
    (1, 0x2),
    (2, 0x1),
    (3, 0x8),
    (11, 0x100),
    (12, 0x200),
    (13, 0x40),
    (14, 0x80),
    (15, 0x400),
    (16, 0x1000),
    (17, 0x800),
    (18, 0x20),
    (19, 0x10),
)
# generic quotas and those of XFS ('X' in the second byte); the two that ask for the next id are told like their kin
_QUOTA_COMMANDS: Final = (
    *zip(range(0x800001, 0x800009), (0x80, 0x1, 0x2, 0x4, 0x8, 0x10, 0x20, 0x40), strict=True),
    (0x800009, 0x20),
    *((0x5801 + i, 0x100 << i) for i in range(7)),
    (0x5808, 0x1000),
    (0x5809, 0x400),
)
_POLL: Final = (
    *_same(0x1, 0x2, 0x4),
    (0x8, 0x10),
    (0x10, 0x20),
    (0x20, 0x40),
    (0x40, 0x80),
    (0x80, 0x100),
    (0x100, 0x200),
    (0x200, 0x400),
    (0x2000, 0x8),
)
_SOCKOPT: Final = (*_same(*range(1, 47)), (57, 0x35), (47, 0x2F))


def tables(arch: str | None = None) -> dict[Conversion, Table]:
    """Return every table for `arch` (default: this machine)."""
    bits = _open_bits(arch or platform.machine())
    return {
        Conversion.OPEN: Table(Kind.ACCESS_MODE, bits),
        Conversion.OPEN_BITS: Table(Kind.BITS, bits),
        Conversion.PROT: Table(Kind.BITS, (*_same(1, 2, 4, 8), (0x01000000, 0x10), (0x02000000, 0x20))),
        Conversion.MMAP: Table(Kind.BITS, _MMAP),
        Conversion.CLONE: Table(Kind.BITS, _CLONE),
        Conversion.FCNTL: Table(Kind.ENUM, _FCNTL),
        Conversion.RESOLVE: Table(Kind.BITS, ((8, 1), (0x10, 2), (2, 4), (4, 8), (1, 0x10), (0x20, 0x20))),
        Conversion.EPOLL: Table(Kind.BITS, ((0o2000000, 1),)),
        Conversion.PIDFD: Table(Kind.BITS, ((0o4000, 1),)),
        Conversion.CHOWNAT: Table(Kind.BITS, ((0x100, 0x400), (0x1000, 0x1000))),
        Conversion.PTRACE: Table(Kind.ENUM, _PTRACE),
        Conversion.SEMCTL: Table(Kind.ENUM, _SEMCTL),
        Conversion.SEMGET: Table(Kind.BITS, (*_same(*(1 << i for i in range(9))), (0x200, 0x2000), (0x400, 0x4000))),
        Conversion.SEMOP: Table(Kind.BITS, ((0x800, 1), (0x1000, 2))),
        Conversion.IO_URING: Table(
            Kind.BITS, (*_same(1, 2), (4, 8), (8, 0x10), (0x10, 0x20), (0x20, 0x40), (0x40, 0x80))
        ),
        Conversion.SOCKOPT: Table(Kind.ENUM, _SOCKOPT),
        Conversion.POLL: Table(Kind.BITS, _POLL),
        Conversion.DELETE_MODULE: Table(Kind.BITS, ((0x800, 2), (0x200, 1))),
        Conversion.RLIMIT: Table(Kind.ENUM, _same(*range(16)), otherwise=0xFF),
        Conversion.QUOTA_COMMAND: Table(Kind.ENUM, _QUOTA_COMMANDS),
        Conversion.QUOTA_TYPE: Table(Kind.ENUM, ((0, 1), (1, 2))),
        Conversion.QUOTA_FORMAT: Table(Kind.ENUM, ((1, 2), (2, 4), (4, 8)), otherwise=1),
    }


def apply(table: Table, value: int) -> int:
    """Convert `value` as the probe does; what the tests of the probe compare with."""
    if table.kind is Kind.ENUM:
        return dict(table.pairs).get(value, table.otherwise)
    out = (value & 3) + 1 if table.kind is Kind.ACCESS_MODE else 0
    for native, ppm in table.pairs:
        if value & native == native:
            out |= ppm
    return out
