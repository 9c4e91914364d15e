import contextlib
import zlib
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysdig_py.trace import format as fmt
from sysdig_py.trace.format import BlockMeta, FormatError, Kind, Totals

BLOCK = BlockMeta(raw=640, count=10, before=5, first_ts=1, last_ts=(1 << 64) - 1)


def test_a_frame_is_one_msgpack_array() -> None:
    frame = fmt.pack_block(BLOCK, b"payload", seed=7)
    kind, meta, payload, crc = msgpack.unpackb(frame)
    assert (kind, payload, crc) == (Kind.BLOCK, b"payload", zlib.crc32(frame[:-5], 7))
    assert BlockMeta.parse(fmt.unpack_meta(meta)) == BLOCK


@given(st.dictionaries(st.text(), st.integers(-(1 << 63), (1 << 64) - 1) | st.text() | st.binary() | st.booleans()))
def test_meta_survives(meta: dict[str, Any]) -> None:
    assert fmt.unpack_meta(fmt.pack_meta(meta)) == meta


def test_text_that_is_not_utf8_survives() -> None:
    meta = {"filter": b"proc.name=\xff".decode(errors="surrogateescape")}
    assert fmt.unpack_meta(fmt.pack_meta(meta)) == meta


@given(st.binary(max_size=80))
def test_any_bytes_are_meta_or_a_format_error(data: bytes) -> None:
    with contextlib.suppress(FormatError):
        assert isinstance(fmt.unpack_meta(data), dict)


@pytest.mark.parametrize("data", [b"\x81\xa1a" * 2000, b"\x91" * 5000, b"\xc7\x03\xffabc", b"\x81\x01\x02", b"\x90"])
def test_deep_odd_and_keyless_meta_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        fmt.unpack_meta(data)


@pytest.mark.parametrize(
    "change",
    [{"raw": 0}, {"raw": fmt.MAX_BLOCK_RAW + 1}, {"count": 0}, {"count": 641}, {"before": -1}, {"first_ts": 1 << 64},
     {"last_ts": "x"}, {"last_ts": True}, {"before": None}],
)  # fmt: skip
def test_block_meta_out_of_bounds_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(FormatError):
        BlockMeta.parse({"raw": 640, "count": 10, "before": 0, "first_ts": 0, "last_ts": 0, **change})


def test_totals_need_counts() -> None:
    good = {"events": 1, "bytes": 2, "lost": {"ring": 3}, "seconds": 0.5}
    assert Totals.parse(good) == Totals(1, 2, {"ring": 3}, 0.5)
    for change in ({"lost": 3}, {"lost": {"ring": -1}}, {"seconds": "1"}, {"events": None}):
        with pytest.raises(FormatError):
            Totals.parse({**good, **change})


@pytest.mark.parametrize(
    "head", [b"\x93\x01\xc6\0\0\0\0", b"\x94\x01\xc5\0\0\0\0", b"\x94\xff\xc6\0\0\0\0", b"\x94\x01\xc6\xff\0\0\0"]
)
def test_a_wrong_frame_head_is_refused(head: bytes) -> None:
    with pytest.raises(FormatError):
        fmt.parse_head(head)


def test_payload_and_trailer_are_judged() -> None:
    with pytest.raises(FormatError):
        fmt.parse_payload_head(b"\xc6\xff\xff\xff\xff")
    assert fmt.parse_trailer(fmt.pack_trailer(77)) == 77
    with pytest.raises(FormatError):
        fmt.parse_trailer(fmt.pack_trailer(77)[:-1])
