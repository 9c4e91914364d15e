import io
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysdig_py.schema.record import HEADER_SIZE, pack_record
from sysdig_py.trace import columns
from sysdig_py.trace.format import FormatError
from sysdig_py.trace.writer import NativeWriter
from tests.unit.trace.traces import HEADER, START, TOTALS, read, span

RECORDS = st.lists(
    st.builds(
        pack_record,
        st.integers(0, 0xFFFF),
        st.lists(st.binary(max_size=40), max_size=4),
        ts=st.integers(0, 2**64 - 1),
        tid=st.integers(-(2**63), 2**63 - 1),
        pid=st.integers(0, 2**32 - 1),
        cgroup_id=st.integers(0, 2**64 - 1),
        cpu=st.integers(0, 0xFFFF),
        latency_ns=st.integers(0, 2**64 - 1),
    ),
    min_size=1,
    max_size=20,
)


def _unpacked(data: bytes, count: int) -> bytes:
    target = bytearray(len(data))
    columns.unpack(data, count, memoryview(target))
    return bytes(target)


def test_the_columns_are_the_header() -> None:
    ends = [offset + width for offset, width in columns.COLUMNS]
    assert [offset for offset, _ in columns.COLUMNS] == [0, *ends[:-1]]
    assert ends[-1] == HEADER_SIZE


@given(RECORDS)
def test_what_was_sorted_is_what_comes_back(records: list[bytes]) -> None:
    packed = columns.pack(b"".join(records), len(records))
    assert packed is not None
    assert _unpacked(packed, len(records)) == b"".join(records)


def test_what_is_no_sequence_of_records_is_left_as_it_is() -> None:
    assert columns.pack(span(3), 4) is None
    assert columns.pack(span(3) + b"\0", 3) is None
    assert columns.pack(b"\xff" * 200, 2) is None


@given(RECORDS, st.data())
def test_damage_is_an_error_or_other_records(records: list[bytes], data: st.DataObject) -> None:
    packed = bytearray(columns.pack(b"".join(records), len(records)) or b"")
    packed[data.draw(st.integers(0, len(packed) - 1))] ^= 0xFF
    with suppress(FormatError):
        _unpacked(bytes(packed), len(records))
    with pytest.raises(FormatError):
        _unpacked(bytes(packed), len(packed))


def test_a_trace_with_blocks_by_columns_is_smaller_and_reads_the_same() -> None:
    files = io.BytesIO(), io.BytesIO()
    for file, pack in zip(files, (None, columns.pack), strict=True):
        writer = NativeWriter(file, HEADER, pack=pack)
        writer.write_block(span(2000), START, START + 10**6, 2000)
        writer.close(TOTALS)
    (_, rows), (reader, sorted_) = (read(file.getvalue()) for file in files)
    assert [block.meta.columns for block in (*rows, *sorted_)] == [0, 1]
    assert bytes(rows[0].records) == bytes(sorted_[0].records)
    assert reader.complete
    assert len(files[1].getvalue()) < len(files[0].getvalue())
