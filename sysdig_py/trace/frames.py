"""Frames out of a byte stream: whole and checksummed ones only, and a way to go on after damage.

A frame's checksum starts from the trace's random `uid`, so bytes inside a block that look like a
frame (a traced program may have written them) are never taken for one.
"""

from __future__ import annotations

import re
import zlib
from typing import Final

from sysdig_py.trace import format as fmt
from sysdig_py.trace.bytesource import ByteSource
from sysdig_py.trace.format import FormatError, Frame

# The first bytes of a block, a footer or a checkpoint; their meta is always shorter than 64 KiB.
_START: Final = re.compile(rb"\x94[\x01-\x03]\xc6\x00\x00")
_WINDOW: Final = 1 << 16
# More false starts than this are no accident: a file made to keep its reader busy.
_MAX_FALSE_STARTS: Final = 64


class DamageError(FormatError):
    """No sound frame at `offset`."""

    def __init__(self, offset: int, reason: str) -> None:
        """Keep where and why."""
        super().__init__(reason)
        self.offset = offset
        self.reason = reason


def read_frame(source: ByteSource, seed: int) -> Frame | None:
    """Read the frame at the source's position; None when nothing is left.

    Raises:
        DamageError: there is no sound frame; the source then stands where it stood before.
    """
    start, parts = source.offset, list[bytes]()
    try:
        return _read(source, seed, start, parts)
    except FormatError as error:
        source.unread(b"".join(parts))
        raise DamageError(start, str(error)) from error


def next_sound_frame(source: ByteSource, seed: int) -> Frame | None:
    """Search past a damaged place for the next sound block or footer; None when there is none."""
    for _ in range(_MAX_FALSE_STARTS):
        source.read(1)
        if not _skip_to_start(source):
            return None
        try:
            return read_frame(source, seed)
        except DamageError:
            continue
    return None


def _read(source: ByteSource, seed: int, start: int, parts: list[bytes]) -> Frame | None:
    head = source.read(fmt.HEAD.size)
    parts.append(head)
    if not head:
        return None
    if len(head) < fmt.HEAD.size:
        raise FormatError("the file ends inside a frame")
    kind, length = fmt.parse_head(head)
    meta = _take(source, length, parts)
    length = fmt.parse_payload_head(_take(source, fmt.PAYLOAD_HEAD.size, parts))
    payload = _take(source, length, parts)
    crc = seed
    for part in parts:
        crc = zlib.crc32(part, crc)
    fmt.check_crc(_take(source, fmt.CRC.size, parts), crc)
    return Frame(start, kind, fmt.unpack_meta(meta), payload)


def _take(source: ByteSource, size: int, parts: list[bytes]) -> bytes:
    data = source.read(size)
    parts.append(data)
    if len(data) < size:
        raise FormatError("the file ends inside a frame")
    return data


def _skip_to_start(source: ByteSource) -> bool:
    while True:
        window = source.read(_WINDOW)
        match = _START.search(window)
        if match:
            source.unread(window[match.start() :])
            return True
        if len(window) < _WINDOW:
            return False
        source.unread(window[-4:])
