import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysdig_py.schema.record import ALIGNMENT, HEADER_SIZE, PPM_HEADER, PREFIX, Flag, pack_record, unpack_record


def test_layout_is_what_the_docstring_says():
    assert (PREFIX.size, PPM_HEADER.size, HEADER_SIZE) == (32, 26, 58)
    data = pack_record(7, [b"abc", b""], ts=1, tid=2, pid=3, cgroup_id=4, cpu=5, latency_ns=6)
    assert struct.unpack_from("<IIQIHHQ", data, 0) == (len(data), 0, 4, 3, 5, 0, 6)
    assert struct.unpack_from("<QqIHI", data, 32) == (1, 2, 26 + 4 + 3, 7, 2)
    assert struct.unpack_from("<HH", data, 58) == (3, 0)
    assert data[62:65] == b"abc"


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_parameters_come_back(params):
    data = pack_record(9, params, ts=5)
    assert len(data) % ALIGNMENT == 0
    length, flags, *_ = PREFIX.unpack_from(data)
    assert (length, flags) == (len(data), 0)
    *_, event_len, _, count = PPM_HEADER.unpack_from(data, PREFIX.size)
    sizes = struct.unpack_from(f"<{count}H", data, HEADER_SIZE)
    offset, found = HEADER_SIZE + 2 * count, []
    for size in sizes:
        found.append(data[offset : offset + size])
        offset += size
    assert found == params
    assert offset == PREFIX.size + event_len
    assert not any(data[offset:])


@pytest.mark.parametrize(("size", "large"), [(0xFFFF, False), (0x10000, True)])
def test_long_parameters_widen_the_lengths(size, large):
    data = pack_record(9, [bytes(size), b"x"], flags=Flag.COMPAT32)
    _, flags, *_ = PREFIX.unpack_from(data)
    assert flags == Flag.COMPAT32 | (Flag.LARGE if large else 0)
    assert struct.unpack_from("<II" if large else "<HH", data, HEADER_SIZE) == (size, 1)


def test_a_record_is_taken_apart_as_it_was_packed() -> None:
    header = {"ts": 5, "tid": -1, "pid": 7, "cgroup_id": 8, "cpu": 3, "flags": 1}
    for long in (b"x", b"x" * 70000):
        data = b"\0" * 8 + pack_record(9, [b"ab", b"", long], **header)
        record = unpack_record(data, 8)
        assert record.params == (b"ab", b"", long)
        assert (record.type_code, record.ts, record.tid, record.pid, record.cgroup_id, record.cpu) == (
            9,
            5,
            -1,
            7,
            8,
            3,
        )
        assert 8 + record.size == len(data)


@pytest.mark.parametrize("cut", [0, 10, 60, 64])
def test_a_record_that_is_cut_is_refused(cut: int) -> None:
    with pytest.raises(ValueError, match="record"):
        unpack_record(pack_record(9, [b"abcdefgh"])[:cut])
