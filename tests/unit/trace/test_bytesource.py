import io

from hypothesis import given
from hypothesis import strategies as st

from sysdig_py.trace.bytesource import ByteSource


class Dribble(io.RawIOBase):
    """A file that gives one byte at a time, as a slow pipe may."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self._data = data

    def read(self, size: int = -1) -> bytes:
        first, self._data = self._data[:1], self._data[1:]
        return first


@given(st.binary(max_size=50), st.integers(0, 50), st.lists(st.integers(0, 9)))
def test_what_is_read_is_what_is_there_however_it_comes(data: bytes, pushed: int, sizes: list[int]) -> None:
    source = ByteSource(Dribble(data[pushed:]), data[:pushed])  # type: ignore[arg-type]
    parts = [source.read(size) for size in sizes]
    total = sum(sizes)
    assert b"".join(parts) == data[:total]
    assert source.offset == min(total, len(data))


def test_bytes_put_back_come_again() -> None:
    source = ByteSource(io.BytesIO(b"abcdef"))
    source.unread(source.read(4)[2:])
    assert source.offset == 2
    assert (source.read(1), source.read(9), source.read(1)) == (b"c", b"def", b"")


def test_a_claimed_length_is_not_allocated() -> None:
    asked: list[int] = []

    class Short(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            asked.append(size or 0)
            return super().read(size)

    assert ByteSource(Short(b"abc")).read(1 << 40) == b"abc"
    assert max(asked) <= 1 << 20
