"""The native trace format (.spy) as constants and values; `docs/trace-format.md` is its description.

Pure: bytes in, values out, no file is touched here. Every length that comes from a file is judged
against the limits below before anything is allocated for it.
"""

from __future__ import annotations

import enum
import struct
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Protocol

import msgpack  # type: ignore[import-untyped, unused-ignore]

from sysdig_py.trace.magic import MAGIC as MAGIC

END_MAGIC: Final = b"\x8fSPYEND\n"
FORMAT_VERSION: Final = 2

MAX_META: Final = 1 << 20
MAX_BLOCK_RAW: Final = 16 << 20
# zstd's own worst case for an incompressible block of that size
MAX_PAYLOAD: Final = MAX_BLOCK_RAW + (MAX_BLOCK_RAW >> 8) + 64
MAX_INDEX_ENTRIES: Final = 1 << 16
MAX_CHECKPOINT_FRAMES: Final = 64

# One frame: HEAD meta PAYLOAD_HEAD payload CRC; written so that it also is one msgpack array.
HEAD: Final = struct.Struct(">BBBI")
PAYLOAD_HEAD: Final = struct.Struct(">BI")
CRC: Final = struct.Struct(">BI")
TRAILER: Final = struct.Struct("<Q8s")
INDEX_ENTRY: Final = struct.Struct("<QQQQ")
_ARRAY4, _BIN32, _UINT32 = 0x94, 0xC6, 0xCE
_U64_MAX: Final = (1 << 64) - 1


class FormatError(ValueError):
    """Bytes that are not what the format asks for; never leaves this package."""


class Kind(enum.IntEnum):
    """What a frame is. Readers skip kinds they do not know."""

    HEADER = 0
    BLOCK = 1
    FOOTER = 2
    CHECKPOINT = 3


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as read: where it starts, its kind, its decoded meta map and its payload."""

    offset: int
    kind: int
    meta: dict[str, Any]
    payload: bytes


@dataclass(frozen=True, slots=True)
class BlockMeta:
    """What a block frame says about its records.

    Attributes:
        raw: bytes of the records before compression.
        count: records in the block.
        before: records in all blocks before this one.
        first_ts: lowest time stamp, 0 when no record has one.
        last_ts: highest time stamp.
        columns: 1 when the records are sorted by columns (`trace.columns`), 0 when not.
    """

    raw: int
    count: int
    before: int
    first_ts: int
    last_ts: int
    columns: int = 0

    @classmethod
    def parse(cls, meta: Mapping[str, Any]) -> BlockMeta:
        """Take the values out of a block's meta map.

        Raises:
            FormatError: a value is missing, of the wrong type or beyond its limit.
        """
        block = cls(**{field.name: unsigned({"columns": 0, **meta}, field.name) for field in fields(cls)})
        if not 0 < block.raw <= MAX_BLOCK_RAW or not 0 < block.count <= block.raw:
            raise FormatError(f"a block of {block.raw} bytes and {block.count} records")
        return block


@dataclass(frozen=True, slots=True)
class CheckpointMeta:
    """What a checkpoint frame says: the records in it tell all that the blocks before it told.

    Attributes:
        raw: bytes of its records before compression.
        count: its records.
        left: frames that follow and belong to the same checkpoint.
        before: records in all blocks before it.
        raw_before: their bytes.
        start_ts: time of the first event, 0 when there was none.
        first_ts: lowest time stamp before it, 0 when no record has one.
        last_ts: highest time stamp before it.
        previous: offset of the first frame of the checkpoint before this one, 0 for none.
    """

    raw: int
    count: int
    left: int
    before: int
    raw_before: int
    start_ts: int
    first_ts: int
    last_ts: int
    previous: int

    @classmethod
    def parse(cls, meta: Mapping[str, Any]) -> CheckpointMeta:
        """Take the values out of a checkpoint's meta map.

        Raises:
            FormatError: a value is missing, of the wrong type or beyond its limit.
        """
        checkpoint = cls(**{field.name: unsigned(meta, field.name) for field in fields(cls)})
        if not 0 < checkpoint.raw <= MAX_BLOCK_RAW or checkpoint.left >= MAX_CHECKPOINT_FRAMES:
            raise FormatError(f"a checkpoint of {checkpoint.raw} bytes")
        return checkpoint


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """One or more consecutive blocks: where the first starts, their time span and record count."""

    offset: int
    first_ts: int
    last_ts: int
    count: int


class Stats(Protocol):
    """What a capture counted, whatever class holds it."""

    @property
    def events(self) -> int:
        """Events delivered by the kernel."""

    @property
    def bytes(self) -> int:
        """Bytes of records."""

    @property
    def lost(self) -> Mapping[str, int]:
        """Events lost, per cause."""

    @property
    def seconds(self) -> float:
        """Duration of the capture."""


@dataclass(frozen=True, slots=True)
class Totals:
    """What the footer says about the whole trace."""

    events: int
    bytes: int
    lost: dict[str, int]
    seconds: float

    @classmethod
    def of(cls, stats: Stats) -> Totals:
        """Copy the counts of any object that has them."""
        return cls(stats.events, stats.bytes, dict(stats.lost), float(stats.seconds))

    @classmethod
    def parse(cls, meta: Mapping[str, Any]) -> Totals:
        """Take the totals out of a footer's meta map."""
        lost, seconds = meta.get("lost"), meta.get("seconds")
        if not isinstance(lost, dict) or not isinstance(seconds, (int, float)):
            raise FormatError("a footer without totals")
        return cls(unsigned(meta, "events"), unsigned(meta, "bytes"), {k: unsigned(lost, k) for k in lost}, seconds)


def unsigned(meta: Mapping[str, Any], key: str) -> int:
    """Return `meta[key]`, which must be an integer of 0..2^64-1."""
    value = meta.get(key)
    if type(value) is not int or not 0 <= value <= _U64_MAX:
        raise FormatError(f"{key} is not a count")
    return value


def make_header(machine: Mapping[str, Any], start_ts: int, snaplen: int, filter_text: str, tool: str) -> dict[str, Any]:
    """Return the part of a header that the capture knows; the writer adds the versions.

    Args:
        machine: the source's machine facts.
        start_ts: ns since the epoch when the capture began.
        snaplen: bytes kept of each I/O buffer.
        filter_text: filter the records passed, "" for none.
        tool: name and version of what writes the trace.
    """
    return {
        "machine": dict(machine),
        "start_ts": start_ts,
        "snaplen": snaplen,
        "filter": filter_text,
        "tool": tool,
    }


def pack_meta(meta: Mapping[str, Any]) -> bytes:
    """Encode a meta map."""
    packed: bytes = msgpack.packb(meta, unicode_errors="surrogateescape")
    return packed


def unpack_meta(data: bytes) -> dict[str, Any]:
    """Decode a meta map; raises FormatError for anything else."""
    try:
        meta = msgpack.unpackb(data, unicode_errors="surrogateescape")
    except (ValueError, TypeError, OverflowError, RecursionError, msgpack.UnpackException) as error:
        raise FormatError(f"meta is not msgpack: {error}") from error
    if not isinstance(meta, dict) or not all(isinstance(key, str) for key in meta):
        raise FormatError("meta is not a map with text keys")
    return meta


def pack_frame(kind: Kind, meta: Mapping[str, Any], payload: bytes = b"", seed: int = 0) -> bytes:
    """Build one frame; `seed` is the CRC-32 of the trace's uid, 0 for the header."""
    packed = pack_meta(meta)
    body = b"".join(
        (HEAD.pack(_ARRAY4, kind, _BIN32, len(packed)), packed, PAYLOAD_HEAD.pack(_BIN32, len(payload)), payload)
    )
    return body + CRC.pack(_UINT32, zlib.crc32(body, seed))


def pack_block(block: BlockMeta, payload: bytes, seed: int) -> bytes:
    """Build a block frame."""
    return pack_frame(Kind.BLOCK, asdict(block), payload, seed)


def parse_head(data: bytes) -> tuple[int, int]:
    """Return kind and meta length of a frame's first bytes."""
    array, kind, binary, length = HEAD.unpack(data)
    if array != _ARRAY4 or binary != _BIN32 or kind > 0x7F:
        raise FormatError("no frame starts here")
    if length > MAX_META:
        raise FormatError(f"meta of {length} bytes, the limit is {MAX_META}")
    return kind, length


def parse_payload_head(data: bytes) -> int:
    """Return the payload length of a frame."""
    binary, length = PAYLOAD_HEAD.unpack(data)
    if binary != _BIN32 or length > MAX_PAYLOAD:
        raise FormatError(f"payload of {length} bytes, the limit is {MAX_PAYLOAD}")
    return int(length)


def check_crc(data: bytes, crc: int) -> None:
    """Compare a frame's stored checksum with the computed one."""
    mark, stored = CRC.unpack(data)
    if mark != _UINT32 or stored != crc:
        raise FormatError("checksum does not match")


def pack_trailer(footer_offset: int) -> bytes:
    """Build the last 16 bytes of a complete trace."""
    return TRAILER.pack(footer_offset, END_MAGIC)


def parse_trailer(data: bytes) -> int:
    """Return the offset of the footer frame."""
    if len(data) != TRAILER.size or not data.endswith(END_MAGIC):
        raise FormatError("no trailer")
    return int(TRAILER.unpack(data)[0])
