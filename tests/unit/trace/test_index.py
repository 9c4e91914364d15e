import random
from itertools import pairwise

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from sysdig_py.trace import index
from sysdig_py.trace.format import INDEX_ENTRY, MAX_INDEX_ENTRIES, FormatError, IndexEntry
from sysdig_py.trace.index import IndexBuilder


@given(st.integers(0, 300), st.integers(1, 8).map(lambda half: half * 2))
def test_the_index_covers_every_block_in_bounded_size(blocks: int, limit: int) -> None:
    builder = IndexBuilder(limit)
    for number in range(blocks):
        builder.add(IndexEntry(100 * number, 10 * number + 5, 10 * number + 9, 2))
    entries = index.parse(builder.pack())
    assert len(entries) <= limit
    assert sum(entry.count for entry in entries) == 2 * blocks
    for entry, following in pairwise(entries):
        covered = (following.offset - entry.offset) // 100
        assert (entry.count, entry.last_ts - entry.first_ts) == (2 * covered, 10 * covered - 6)


def test_blocks_without_times_do_not_widen_an_entry() -> None:
    assert index.merge(IndexEntry(1, 0, 0, 1), IndexEntry(2, 7, 9, 1)) == IndexEntry(1, 7, 9, 2)
    assert index.merge(IndexEntry(1, 0, 0, 1), IndexEntry(2, 0, 0, 1)) == IndexEntry(1, 0, 0, 2)


@pytest.mark.parametrize(
    "payload",
    [
        b"garbage",
        b"",
        zstandard.ZstdCompressor().compress(b"short"),
        zstandard.ZstdCompressor().compress(INDEX_ENTRY.pack(5, 0, 0, 1) * 2),
        zstandard.ZstdCompressor().compress(bytes((MAX_INDEX_ENTRIES + 1) * INDEX_ENTRY.size)),
        zstandard.ZstdCompressor(write_content_size=False).compressobj().compress(b"x" * 32),
    ],
    ids=["garbage", "nothing", "short", "order", "bomb", "endless"],
)
def test_what_is_not_an_index_is_refused(payload: bytes) -> None:
    with pytest.raises(FormatError):
        index.parse(payload)


def test_a_damaged_index_is_refused_or_decoded() -> None:
    builder, noise = IndexBuilder(), random.Random(1)
    for number in range(50):
        builder.add(IndexEntry(number, noise.getrandbits(60), noise.getrandbits(60), 3))
    payload = bytearray(builder.pack())
    for position in range(len(payload)):
        damaged = bytearray(payload)
        damaged[position] ^= 1 << noise.randrange(8)
        try:
            index.parse(bytes(damaged))
        except FormatError:
            continue
