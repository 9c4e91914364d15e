import io
import os
import threading
from collections.abc import Callable
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from sysdig_py.errors import TraceError
from sysdig_py.trace import compat
from sysdig_py.trace import format as fmt
from sysdig_py.trace.reader import MAX_HOLES, SLACK, NativeReader
from tests.unit.trace.traces import HEADER, START, TOTALS, read, span, trace

SPANS = [span(10, START + i * 1_000_000, seed=i) for i in range(3)]
TRACE = trace(SPANS)
_, BLOCKS = read(TRACE)
FOOTER = fmt.parse_trailer(TRACE[-16:])
FRAME_STARTS = [block.offset for block in BLOCKS] + [FOOTER]


def test_a_complete_trace_gives_back_what_was_written() -> None:
    reader, blocks = read(TRACE)
    assert [bytes(block.records) for block in blocks] == SPANS
    assert [block.meta.before for block in blocks] == [0, 10, 20]
    assert blocks[1].meta.first_ts == START + 1_000_000
    assert (reader.complete, reader.cut_at, reader.holes) == (True, None, [])
    assert reader.totals == TOTALS
    assert {key: reader.header[key] for key in HEADER} == HEADER
    assert reader.offset == len(TRACE)


def test_records_are_followed_by_readable_zeros() -> None:
    _, blocks = read(TRACE)
    whole = memoryview(blocks[0].records.obj)
    assert bytes(whole[len(SPANS[0]) :]) == bytes(SLACK)


def test_the_index_points_at_every_block() -> None:
    reader = NativeReader(io.BytesIO(TRACE))
    index = reader.read_index()
    assert [entry.offset for entry in index] == [block.offset for block in BLOCKS]
    assert [(e.first_ts, e.last_ts, e.count) for e in index] == [
        (block.meta.first_ts, block.meta.last_ts, 10) for block in BLOCKS
    ]
    assert [bytes(block.records) for block in reader] == SPANS


def test_a_cut_trace_has_no_index() -> None:
    with pytest.raises(TraceError, match="no index"):
        NativeReader(io.BytesIO(TRACE[:-1])).read_index()


def test_a_cut_anywhere_loses_only_what_it_hits() -> None:
    footer_end = len(TRACE) - fmt.TRAILER.size
    for cut in range(BLOCKS[0].offset, len(TRACE)):
        reader, blocks = read(TRACE[:cut])
        whole = sum(end <= cut for end in FRAME_STARTS[1:])
        assert [bytes(block.records) for block in blocks] == SPANS[:whole]
        assert not reader.complete
        assert reader.cut_at == (footer_end if cut >= footer_end else max(s for s in FRAME_STARTS if s <= cut))


def test_a_cut_inside_the_header_is_an_error_that_names_the_file() -> None:
    for cut in range(BLOCKS[0].offset):
        with pytest.raises(TraceError, match=r"^memory: unreadable trace header at byte [08]:"):
            read(TRACE[:cut])


@given(st.integers(0, len(TRACE) - 1), st.integers(1, 255))
def test_a_flipped_byte_is_noticed_and_costs_one_frame(position: int, mask: int) -> None:
    damaged = bytearray(TRACE)
    damaged[position] ^= mask
    if position < BLOCKS[0].offset:
        with pytest.raises(TraceError):
            read(bytes(damaged))
        return
    reader, blocks = read(bytes(damaged))
    hit = max(i for i, start in enumerate(FRAME_STARTS) if start <= position)
    assert [bytes(block.records) for block in blocks] == [s for i, s in enumerate(SPANS) if i != hit]
    assert not reader.complete
    assert sum(hole.lost or 0 for hole in reader.holes) == (10 if hit < 3 else 0)


def test_missing_repeated_and_foreign_blocks_are_noticed() -> None:
    a, b, c, end = (TRACE[s:e] for s, e in zip(FRAME_STARTS, [*FRAME_STARTS[1:], None], strict=True))
    head = TRACE[: FRAME_STARTS[0]]
    reader, blocks = read(head + a + c + end)
    assert len(blocks) == 2
    assert (reader.holes[0].reason, reader.holes[0].lost) == ("blocks are missing", 10)
    reader, blocks = read(head + a + a + b + c + end)
    assert len(blocks) == 3
    assert "repeats" in reader.holes[0].reason
    other = trace(SPANS)
    reader, blocks = read(head + other[FRAME_STARTS[0] :])
    assert blocks == []
    assert reader.holes[0].reason == "checksum does not match"


def test_a_saved_trace_inside_a_damaged_trace_is_not_taken_for_its_blocks() -> None:
    outer = trace([TRACE.ljust(-(-len(TRACE) // 8) * 8, b"\0")], count=1)
    start = read(outer)[1][0].offset
    reader, blocks = read(outer[:start] + b"\xff" + outer[start + 1 :])
    assert blocks == []
    assert reader.holes[0].lost == 1


def test_bytes_after_the_end_make_a_trace_incomplete() -> None:
    reader, blocks = read(TRACE + TRACE)
    assert len(blocks) == 3
    assert (reader.complete, reader.cut_at) == (False, len(TRACE))


def test_a_block_that_claims_too_much_is_refused() -> None:
    uid_seed = read(TRACE)[0]._seed
    payload = fmt.pack_block(fmt.BlockMeta(fmt.MAX_BLOCK_RAW + 1, 1, 0, 0, 0), b"x", uid_seed)
    bomb = fmt.pack_block(fmt.BlockMeta(64, 1, 0, 0, 0), _zstd_of_zeros(1 << 20), uid_seed)
    for frame in (payload, bomb):
        reader, blocks = read(TRACE[: FRAME_STARTS[0]] + frame + TRACE[FRAME_STARTS[0] :])
        assert [bytes(block.records) for block in blocks] == SPANS
        assert reader.holes[0].reason.startswith("block refused")


def test_frames_of_unknown_kind_are_skipped() -> None:
    reader = read(TRACE)[0]
    unknown = fmt.pack_frame(9, {"anything": 1}, b"payload", reader._seed)  # type: ignore[arg-type]
    reader, blocks = read(TRACE[: FRAME_STARTS[1]] + unknown + TRACE[FRAME_STARTS[1] : FOOTER])
    assert [bytes(block.records) for block in blocks] == SPANS
    assert reader.cut_at == FOOTER + len(unknown)


def test_a_pipe_is_read_as_it_fills() -> None:
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb") as file:
        os.write(write_end, TRACE[: FRAME_STARTS[2]])
        reader = NativeReader(file, "pipe")
        blocks = iter(reader)
        first = [bytes(next(blocks).records) for _ in range(2)]
        assert first == SPANS[:2]
        rest = threading.Thread(target=lambda: (os.write(write_end, TRACE[FRAME_STARTS[2] :]), os.close(write_end)))
        rest.start()
        assert [bytes(block.records) for block in blocks] == SPANS[2:]
        rest.join()
        assert reader.complete


@given(st.binary(max_size=400))
def test_any_bytes_give_a_clear_error_or_blocks(data: bytes) -> None:
    for start in (b"", fmt.MAGIC, TRACE[: FRAME_STARTS[0]], TRACE[: FRAME_STARTS[1]]):
        try:
            reader, _ = read(start + data)
        except TraceError as error:
            assert str(error).startswith("memory: ")
        else:
            assert not reader.complete


def test_a_file_of_holes_is_given_up() -> None:
    good = TRACE[FRAME_STARTS[0] : FRAME_STARTS[1]]
    seed = read(TRACE)[0]._seed
    refused = fmt.pack_block(fmt.BlockMeta(8, 1, 0, 0, 0), b"not zstd", seed)
    sound = [fmt.pack_block(fmt.BlockMeta(8, 1, 2 * i + 1, 0, 0), _zstd_of_zeros(8), seed) for i in range(1200)]
    reader, blocks = read(TRACE[: FRAME_STARTS[0]] + b"".join(refused + block for block in sound) + good)
    assert len(reader.holes) == MAX_HOLES + 1
    assert len(blocks) == MAX_HOLES
    assert reader.cut_at is not None


def test_old_versions_are_converted_and_new_ones_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def convert_0_1(header: dict[str, Any]) -> tuple[dict[str, Any], Callable[[bytes], bytes]]:
        return {**header, "format": 1, "converted": True}, lambda records: records[::-1]

    monkeypatch.setattr(compat, "CONVERTERS", {**compat.CONVERTERS, 0: convert_0_1})
    reader, blocks = read(_with_version(0))
    assert reader.header["converted"]
    assert [bytes(block.records) for block in blocks] == [s[::-1] for s in SPANS]
    assert bytes(memoryview(blocks[0].records.obj)[-SLACK:]) == bytes(SLACK)
    with pytest.raises(TraceError, match="newer"):
        read(_with_version(fmt.FORMAT_VERSION + 1))


def _with_version(version: int) -> bytes:
    header = {**read(TRACE)[0].header, "format": version}
    return fmt.MAGIC + fmt.pack_frame(fmt.Kind.HEADER, header) + TRACE[FRAME_STARTS[0] :]


def _zstd_of_zeros(size: int) -> bytes:
    return zstandard.ZstdCompressor().compress(bytes(size))
