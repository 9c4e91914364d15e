import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysdig_py.engine.block_codec import BlockCodec
from sysdig_py.trace import columns
from sysdig_py.trace.format import FormatError
from tests.synthetic import reads_and_writes
from tests.unit.trace.test_columns import RECORDS

CODEC = BlockCodec()


def _unpacked(data: bytes, count: int) -> bytes:
    target = bytearray(len(data))
    CODEC.unpack(data, count, memoryview(target))
    return bytes(target)


@given(RECORDS)
def test_it_does_what_the_plain_statement_says(records: list[bytes]) -> None:
    data, count = b"".join(records), len(records)
    packed = CODEC.pack(data, count)
    assert packed == columns.pack(data, count)
    assert packed is not None and _unpacked(packed, count) == data


def test_many_records_come_back() -> None:
    data = reads_and_writes(20_000)
    packed = CODEC.pack(data, 20_000)
    assert packed is not None and _unpacked(packed, 20_000) == data


def test_what_is_no_sequence_of_records_is_left_as_it_is() -> None:
    data = reads_and_writes(3)
    assert CODEC.pack(data, 4) is None
    assert CODEC.pack(data + bytes(8), 3) is None
    assert CODEC.pack(b"\xff" * 200, 2) is None


@given(RECORDS, st.data())
def test_damage_is_judged_as_the_plain_statement_does(records: list[bytes], data: st.DataObject) -> None:
    packed = bytearray(columns.pack(b"".join(records), len(records)) or b"")
    packed[data.draw(st.integers(0, len(packed) - 1))] ^= data.draw(st.integers(1, 255))
    count = data.draw(st.sampled_from([len(records), len(records) + 1, 2**31, len(packed)]))
    target = bytearray(len(packed))
    try:
        columns.unpack(bytes(packed), count, memoryview(target))
    except FormatError:
        with pytest.raises(FormatError):
            _unpacked(bytes(packed), count)
    else:
        assert _unpacked(bytes(packed), count) == bytes(target)
