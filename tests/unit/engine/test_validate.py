import ctypes
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysdig_py.engine.vm import Engine
from sysdig_py.schema.record import ALIGNMENT, HEADER_SIZE, PPM_HEADER, PREFIX, Flag, pack_record

MAX_PARAMS = 64
ENGINE = Engine()


def validate(data: bytes) -> tuple[int, int]:
    """Validate a copy that ends where its memory does, as far as ctypes can say."""
    buffer = ctypes.create_string_buffer(data, max(1, len(data)))
    sound, count = ENGINE.require("validate")[b"validate"](ctypes.addressof(buffer), len(data))
    return int(sound), int(count)


def expected(data: bytes) -> tuple[int, int]:
    """The same judgement in plain Python."""
    offset = count = 0
    while len(data) - offset >= HEADER_SIZE and (size := _record_size(data[offset:])):
        offset, count = offset + size, count + 1
    return offset, count


def _record_size(data: bytes) -> int:
    size, flags, *_ = PREFIX.unpack_from(data)
    _, _, event_size, _, params = PPM_HEADER.unpack_from(data, PREFIX.size)
    room = event_size - PPM_HEADER.size
    if size > len(data) or size % ALIGNMENT or PREFIX.size + event_size > size or room < 0 or params > MAX_PARAMS:
        return 0
    width = 4 if flags & Flag.LARGE else 2
    if width * params > room:
        return 0
    lengths = struct.unpack_from(f"<{params}{'I' if width == 4 else 'H'}", data, HEADER_SIZE)
    return size if width * params + sum(lengths) <= room else 0


def _large(code: int, params: list[bytes]) -> bytes:
    short = pack_record(code, params)
    body = struct.pack(f"<{len(params)}I", *map(len, params)) + b"".join(params)
    head = bytearray(short[:HEADER_SIZE] + body)
    struct.pack_into("<I", head, PREFIX.size + 16, PPM_HEADER.size + len(body))
    head += bytes(-len(head) % ALIGNMENT)
    struct.pack_into("<II", head, 0, len(head), Flag.LARGE)
    return bytes(head)


records = st.builds(
    lambda build, code, params: build(code, params),
    st.sampled_from([pack_record, _large]),
    st.integers(0, 0xFFFF),
    st.lists(st.binary(max_size=20), max_size=12),
)


@given(st.lists(records, max_size=6))
def test_sound_records_pass_whole(parts: list[bytes]) -> None:
    assert validate(b"".join(parts)) == (sum(map(len, parts)), len(parts))


@given(st.lists(records, min_size=1, max_size=5), st.data())
def test_damaged_spans_are_judged_as_by_the_book(parts: list[bytes], data: st.DataObject) -> None:
    span = bytearray(b"".join(parts))
    for _ in range(data.draw(st.integers(0, 3))):
        span[data.draw(st.integers(0, len(span) - 1))] = data.draw(st.sampled_from([0, 1, 7, 8, 0x40, 0x80, 0xFF]))
    cut = bytes(span[: data.draw(st.integers(0, len(span)))])
    assert validate(cut) == expected(cut)


@given(st.binary(max_size=300))
def test_any_bytes_are_judged_as_by_the_book(data: bytes) -> None:
    assert validate(data) == expected(data)


LENGTH, FLAGS, EVENT_LENGTH, PARAMS, FIRST = 0, 4, 48, 54, 58


@pytest.mark.parametrize(
    ("offset", "fmt", "value"),
    [
        (LENGTH, "<I", 0), (LENGTH, "<I", 56), (LENGTH, "<I", 97), (LENGTH, "<I", 1 << 31), (LENGTH, "<I", 0xFFFFFFF8),
        (EVENT_LENGTH, "<I", 25), (EVENT_LENGTH, "<I", 1000), (EVENT_LENGTH, "<I", 0xFFFFFFFF),
        (PARAMS, "<I", 65), (PARAMS, "<I", 0x80000000), (PARAMS, "<I", 0xFFFFFFFF), (PARAMS, "<I", 30),
        (FIRST, "<H", 0xFFFF), (FIRST, "<H", 60), (FLAGS, "<I", Flag.LARGE),
    ],
)  # fmt: skip
def test_every_length_is_judged(offset: int, fmt: str, value: int) -> None:
    good = pack_record(7, [bytes(8), b"data", bytes(8), bytes(4)])
    bad = bytearray(good)
    struct.pack_into(fmt, bad, offset, value)
    assert validate(good + bytes(bad) + good) == (len(good), 1)


@pytest.mark.parametrize("length", [0x80000000, 0xFFFFFFFF, 21])
def test_large_lengths_are_judged(length: int) -> None:
    bad = bytearray(_large(7, [b"x" * 20, b"y"]))
    assert validate(bytes(bad))[1] == 1
    struct.pack_into("<I", bad, FIRST, length)
    struct.pack_into("<I", bad, FIRST + 4, 0xFFFFFFFF if length > 21 else 1)
    assert validate(bytes(bad)) == (0, 0)


def test_the_most_parameters_pass() -> None:
    record = pack_record(7, [b"p"] * MAX_PARAMS)
    assert validate(record) == (len(record), 1)
    assert validate(pack_record(7, [b"p"] * (MAX_PARAMS + 1))) == (0, 0)
