"""Checkpoints are found by a chain from the footer, cost a bounded share, and never stand in the way of the capture."""

import io
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysdig_py.schema.state import State as StateCode
from sysdig_py.trace import checkpoints
from sysdig_py.trace import format as fmt
from sysdig_py.trace.checkpoints import CheckpointWriter, Pace, Position, State
from sysdig_py.trace.format import FormatError, Kind
from sysdig_py.trace.reader import NativeReader
from sysdig_py.trace.writer import NativeWriter
from tests.synthetic import Stream
from tests.unit.trace.traces import HEADER, START, TOTALS, read, span

EVERY = Pace(0, 0, 0)


def note(number: int) -> bytes:
    stream = Stream()
    stream.state(StateCode.SKIP, count=number)
    return stream.take()


class Keeper:
    """Knows how many times it was fed, and tells that in parts."""

    def __init__(self, parts: int = 1, size: int = 1) -> None:
        self.fed = 0
        self.parts = parts
        self.size = size

    def feed(self, records: bytes) -> None:
        self.fed += 1

    def state(self, part_bytes: int) -> State:
        assert part_bytes < fmt.MAX_BLOCK_RAW
        return State(START, [(note(self.fed) * self.size, self.size)] * self.parts)


def made(blocks: int, keeper: Keeper | None = None, pace: Pace = EVERY) -> bytes:
    file = io.BytesIO()
    writer = NativeWriter(file, HEADER, block_bytes=1, checkpoints=CheckpointWriter(keeper or Keeper(), pace))
    for number in range(blocks):
        first = START + number * 1_000_000
        writer.write_block(span(10, first), first, first + 9000, 10)
    writer.close(TOTALS)
    return file.getvalue()


def resumed(data: bytes, ts: int) -> tuple[list[bytes], list[int], bool]:
    """Return what is told first, the times of the blocks that follow, and whether all is well at the end."""
    reader = NativeReader(io.BytesIO(data), "memory")
    told = reader.resume(lambda meta: meta.last_ts < ts, lambda _block: True)
    times = [block.meta.first_ts for block in reader]
    return [bytes(block.records) for block in told], times, reader.complete


def test_reading_begins_behind_the_youngest_that_is_early_enough() -> None:
    data = made(6)
    told, times, complete = resumed(data, START + 3_500_000)
    assert told == [note(4)]
    assert times == [START + 4_000_000, START + 5_000_000]
    assert complete


def test_nothing_is_skipped_when_all_are_too_late() -> None:
    assert resumed(made(3), START) == ([], [START, START + 1_000_000, START + 2_000_000], True)


def test_who_does_not_know_checkpoints_reads_all_blocks() -> None:
    reader, blocks = read(made(5, Keeper(parts=3)))
    assert len(blocks) == 5
    assert reader.complete


def test_a_checkpoint_in_parts_is_read_whole() -> None:
    told, times, complete = resumed(made(4, Keeper(parts=3, size=2)), START + 1_500_000)
    assert told == [note(2) * 2] * 3
    assert (len(times), complete) == (2, True)


def test_unsound_contents_skip_nothing() -> None:
    reader = NativeReader(io.BytesIO(made(3)), "memory")
    assert reader.resume(lambda _meta: True, lambda _block: False) == []
    assert len(list(reader)) == 3
    assert reader.complete


def test_a_pipe_and_a_cut_trace_skip_nothing() -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    data = made(3)
    for file in (Pipe(data), io.BytesIO(data[:-1])):
        reader = NativeReader(file, "memory")
        assert reader.resume(lambda _meta: True, lambda _block: True) == []
        assert len(list(reader)) == 3


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_damage_anywhere_loses_no_more_than_what_it_hit(at: int, change: int) -> None:
    data = bytearray(made(4))
    at = len(data) - 1 - at % len(data)
    data[at] ^= change
    try:
        told, times, _ = resumed(bytes(data), START + 2_500_000)
    except Exception as error:
        assert type(error).__name__ == "TraceError"
        return
    assert told in ([], [note(3)], [note(2)], [note(1)])
    assert len(times) >= (0 if told else 3)


def test_a_chain_that_leads_nowhere_is_left() -> None:
    data = made(2)
    reader = NativeReader(io.BytesIO(data), "memory")
    last = reader._footer().meta["checkpoint"]
    for wrong in (last + 1, len(data) - 3, 8, 1 << 40):
        with pytest.raises((FormatError, OverflowError)):
            checkpoints.find(io.BytesIO(data), wrong, lambda _meta: False)
    seed = zlib.crc32(reader.header["uid"])
    with pytest.raises(FormatError):
        list(checkpoints.read(io.BytesIO(data), last + 1, seed))


def test_a_chain_that_leads_in_circles_is_left() -> None:
    meta = dict.fromkeys(("raw", "count"), 1) | dict.fromkeys(("left", "before", "raw_before", "start_ts"), 0)
    meta |= {"first_ts": 0, "last_ts": 0, "previous": 5}
    file = io.BytesIO(b"\0" * 5 + fmt.pack_frame(Kind.CHECKPOINT, meta))
    with pytest.raises(FormatError, match="back"):
        checkpoints.find(file, 5, lambda _meta: False)


def position(raw: int, offset: int) -> Position:
    return Position(offset, 10, raw, START, START)


def test_they_are_as_rare_as_the_pace_says() -> None:
    writer = CheckpointWriter(Keeper(), Pace(raw=100, size=2, time=0))
    assert not writer.frames(position(99, 50), 1)
    first = writer.frames(position(100, 50), 1)
    assert first
    assert not writer.frames(position(200, 50 + 2 * len(first) - 1), 1)
    assert not writer.frames(position(199, 50 + 2 * len(first)), 1)
    assert writer.frames(position(200, 50 + 2 * len(first)), 1)


def test_making_them_takes_a_bounded_share_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(checkpoints.time, "monotonic", lambda: now[0])

    class Slow(Keeper):
        def state(self, part_bytes: int) -> State:
            now[0] += 1.0
            return super().state(part_bytes)

    writer = CheckpointWriter(Slow(), Pace(raw=1, size=0, time=20))
    assert writer.frames(position(1, 50), 1)
    now[0] = 120.9
    assert not writer.frames(position(1000, 5000), 1)
    now[0] = 121.0
    assert writer.frames(position(1000, 5000), 1)


def test_under_too_much_load_there_are_no_more_of_them() -> None:
    keeper = Keeper()
    writer = CheckpointWriter(keeper, EVERY)
    writer.follow(b"", 0.4)
    assert writer.frames(position(1, 50), 1)
    writer.follow(b"", 0.6)
    writer.follow(b"", 0.0)
    assert keeper.fed == 1
    assert not writer.frames(position(2, 500), 1)
