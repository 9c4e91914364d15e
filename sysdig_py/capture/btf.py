"""Ids of the kernel's own structures and functions, as its type information numbers them.

The format is that of the kernel's Documentation/bpf/btf.rst: a header, the types one after the other (numbered from 1),
the names.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Collection, Iterator
from typing import Final

_HEADER: Final = struct.Struct("HBBIIIII")
_TYPE: Final = struct.Struct("III")
_MAGIC: Final = 0xEB9F


class Kind(enum.IntEnum):
    """Kinds of types that can be asked for."""

    STRUCT = 4
    FUNCTION = 12


# kind -> bytes behind a type, and bytes for each of its members
_TAILS: Final = {
    1: (4, 0),  # integer
    3: (12, 0),  # array
    4: (0, 12),  # structure
    5: (0, 12),  # union
    6: (0, 8),  # enumeration
    13: (0, 8),  # prototype of a function
    14: (4, 0),  # variable
    15: (0, 12),  # section
    17: (4, 0),  # tag of a declaration
    19: (0, 12),  # enumeration of 64 bits
}


def find(raw: bytes, kind: Kind, names: Collection[str]) -> dict[str, int]:
    """Return the id of each type of a kind; those that there are not are left out, of several the first counts.

    Args:
        raw: what /sys/kernel/btf/vmlinux holds.
        kind: of which kind they are.
        names: what they are called.

    Raises:
        ValueError: this is no type information.
    """
    if len(raw) < _HEADER.size or _HEADER.unpack_from(raw)[0] != _MAGIC:
        raise ValueError("no type information of this machine's byte order")
    _, _, _, length, types_at, types_length, names_at, names_length = _HEADER.unpack_from(raw)
    texts = raw[length + names_at : length + names_at + names_length]
    wanted = {texts.find(f"\0{name}\0".encode()) + 1: name for name in names}
    wanted.pop(0, None)
    found: dict[str, int] = {}
    for number, (name, its_kind) in enumerate(_types(raw, length + types_at, length + types_at + types_length), 1):
        if its_kind == kind and name in wanted:
            found.setdefault(wanted[name], number)
    return found


def _types(raw: bytes, at: int, end: int) -> Iterator[tuple[int, int]]:
    """Give where the name of each type is, and its kind."""
    unpack = _TYPE.unpack_from
    while at < end:
        name, info, _ = unpack(raw, at)
        kind = info >> 24 & 31
        yield name, kind
        fixed, each = _TAILS.get(kind, (0, 0))
        at += _TYPE.size + fixed + each * (info & 0xFFFF)
