import gzip
import io
import time
from itertools import pairwise

import pytest

from sysdig_py.errors import TraceError
from sysdig_py.trace.readahead import ReadAhead
from sysdig_py.trace.scap import reader as scap_reader
from sysdig_py.trace.scap.reader import AHEAD, ROOM, ScapReader
from sysdig_py.trace.scap.window import Window
from tests import scap

DATA = scap.Trace().event(6, scap.i64(3), scap.u32(1)).event(7, scap.i64(1), b"a").data


def read(data: bytes) -> tuple[bytes, ScapReader]:
    reader = ScapReader(io.BytesIO(data), "t")
    return b"".join(bytes(chunk[ROOM:]) for chunk in reader), reader


@pytest.mark.parametrize("data", [DATA, gzip.compress(DATA), gzip.compress(DATA[:60]) + gzip.compress(DATA[60:])])
def test_plain_and_compressed_bytes_are_the_same(data: bytes):
    got, reader = read(data)
    assert (got, reader.cut) == (DATA, "")
    assert (reader.machine["num_cpus"], reader.machine["hostname"], reader.dialect) == (2, "box", "0293")


def test_a_large_file_comes_in_pieces():
    big = DATA + scap.Trace().event(7, scap.i64(1), bytes(60000)).data * 60
    got, reader = read(gzip.compress(big))
    assert got == big
    assert not reader.cut


def test_a_compressed_file_that_ends_early_gives_what_is_there():
    trace = scap.Trace()
    for number in range(3000):
        trace.event(6, scap.i64(number * 7919 % 4001), scap.u32(number))
    packed = gzip.compress(trace.data)
    got, reader = read(packed[: len(packed) // 2])
    assert trace.data.startswith(got)
    assert len(got) > 1000
    assert "ends early" in reader.cut


def test_damaged_compression_is_said():
    packed = bytearray(gzip.compress(DATA) + gzip.compress(DATA))
    packed[-40] ^= 0xFF
    assert read(bytes(packed))[1].cut


def test_a_file_without_a_section_is_refused():
    with pytest.raises(TraceError, match=r"t: not a \.scap"):
        ScapReader(io.BytesIO(scap.machine()), "t")


def test_progress_of_what_has_no_size():
    assert read(DATA)[1].progress() == 0.0


def test_a_chunk_lasts_until_the_next_one_is_settled(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(scap_reader, "CHUNK", 500)
    trace = scap.Trace()
    for number in range(600):
        trace.event(6, scap.i64(number), scap.u32(number))
    seen = bytearray()
    for chunk, _following in pairwise(ReadAhead(iter(ScapReader(io.BytesIO(trace.data), "t")), AHEAD)):
        time.sleep(0.001)  # the thread reads as far ahead as it may
        seen += chunk[ROOM:]
    assert len(seen) > 20 * 500
    assert trace.data.startswith(seen)


def test_blocks_longer_than_many_chunks_stay_whole(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(scap_reader, "CHUNK", 1 << 14)
    sizes = [100, 3 * ROOM, 60000, 20, 2 * ROOM, 7 * ROOM, ROOM, 4, 40000]
    data = DATA + b"".join(scap.block(0x9999, bytes([number]) * size) for number, size in enumerate(sizes))
    window = Window(ReadAhead(iter(ScapReader(io.BytesIO(data), "t")), AHEAD))
    seen = b""
    while window.left >= 8 or window.more(8):
        _, size = window.frame()
        assert window.left >= size or window.more(size)
        time.sleep(0.001)
        seen += window.view(0, size)
        window.advance(size)
    assert seen == data
