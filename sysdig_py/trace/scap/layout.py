"""Block types of a .scap file, and the frame that every block has."""

from __future__ import annotations

import struct
from typing import Final

FRAME: Final = struct.Struct("<II")
TRAILER: Final = struct.Struct("<I")
SMALLEST: Final = FRAME.size + TRAILER.size

SECTION: Final = 0x0A0D0D0A
MACHINE: Final = frozenset({0x201, 0x8002ABCD})
# block type -> version of its layout
PROCESSES: Final = {
    0x202: 1, 0x8000ABCD: 1, 0x207: 2, 0x8013ABCD: 2, 0x209: 3, 0x8014ABCD: 3,
    0x210: 4, 0x211: 5, 0x212: 6, 0x213: 7, 0x214: 8, 0x215: 9,
}  # fmt: skip
FDS: Final = {0x203: 1, 0x8001ABCD: 1, 0x218: 2}
INTERFACES: Final = {0x205: 1, 0x8011ABCD: 1, 0x219: 2}
USERS: Final = {0x206: 1, 0x8012ABCD: 1, 0x220: 2}
# block type -> whether flags follow the CPU number
EVENTS: Final = {0x204: False, 0x8010ABCD: False, 0x216: False, 0x221: False, 0x208: True, 0x217: True, 0x222: True}
OLD_EVENTS: Final = frozenset({0x204, 0x8010ABCD, 0x208})

# Event blocks hold the CPU number, the flags, then time, thread, length and type of the event.
EVENT_TYPE_AT: Final = FRAME.size + 2 + 20
FLAGS_SIZE: Final = 4

_STATE: Final = frozenset({*PROCESSES, *FDS, *INTERFACES, *USERS})


def is_state(kind: int) -> bool:
    """Whether a block of this type describes processes, fds, interfaces or users."""
    return kind in _STATE


def is_first(start: bytes) -> bool:
    """Whether a file that starts like this is a .scap: a section header, then one of the blocks above."""
    if len(start) < FRAME.size or FRAME.unpack_from(start)[0] != SECTION:
        return False
    length = FRAME.unpack_from(start)[1]
    second = int.from_bytes(start[length : length + 4], "little")
    return second in MACHINE or is_state(second) or second in EVENTS
