import gzip
import io

import pytest

from sysdig_py.errors import TraceError
from sysdig_py.trace.scap.reader import ROOM, ScapReader
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
