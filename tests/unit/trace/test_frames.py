import io

import pytest

from sysdig_py.trace import frames
from sysdig_py.trace.bytesource import ByteSource
from sysdig_py.trace.format import Kind, pack_frame
from sysdig_py.trace.frames import DamageError

SEED = 99
FRAME = pack_frame(Kind.BLOCK, {"n": 1}, b"one" * 100, SEED)
NEXT = pack_frame(Kind.FOOTER, {"n": 2}, b"two", SEED)


def _source(data: bytes) -> ByteSource:
    return ByteSource(io.BytesIO(data))


def test_frames_come_one_after_the_other() -> None:
    source = _source(FRAME + NEXT)
    first, second = frames.read_frame(source, SEED), frames.read_frame(source, SEED)
    assert first is not None
    assert (first.offset, first.kind, first.meta, first.payload) == (0, 1, {"n": 1}, b"one" * 100)
    assert second is not None
    assert (second.offset, second.kind) == (len(FRAME), 2)
    assert frames.read_frame(source, SEED) is None


def test_a_damaged_frame_leaves_the_source_where_it_was() -> None:
    source = _source(b"x" + FRAME[:-1] + b"?")
    source.read(1)
    with pytest.raises(DamageError, match="checksum") as caught:
        frames.read_frame(source, SEED)
    assert (caught.value.offset, source.offset) == (1, 1)
    assert source.read(5) == FRAME[:5]


def test_a_frame_of_another_trace_is_damage() -> None:
    with pytest.raises(DamageError, match="checksum"):
        frames.read_frame(_source(FRAME), SEED + 1)


@pytest.mark.parametrize(
    "gap", [b"", b"\x94\x01\xc6\0\0" * 20, b"z" * 65533, FRAME[:-3], b"\x94\x02\xc6\0\0\0\x01\xc6" + b"\xff" * 4]
)
def test_the_next_sound_frame_is_found_past_anything(gap: bytes) -> None:
    source = _source(b"?" + gap + NEXT)
    found = frames.next_sound_frame(source, SEED)
    assert found is not None
    assert (found.offset, found.meta) == (1 + len(gap), {"n": 2})


def test_the_search_ends() -> None:
    assert frames.next_sound_frame(_source(b"?" * 200_000), SEED) is None
    assert frames.next_sound_frame(_source(b"?"), SEED) is None
    bait = _source(b"?" + b"\x94\x01\xc6\0\0" * 100_000)
    assert frames.next_sound_frame(bait, SEED) is None
    assert bait.offset < 1000
