import pytest

from sysdig_py.trace.scap.cursor import Cursor, LayoutError


def test_values_come_one_after_the_other():
    cursor = Cursor(memoryview(b"\x01\x00\x02\x00\x00\x00\x03\x00abc!"))
    assert cursor.values("HI") == (1, 2)
    assert cursor.text() == b"abc"
    assert (cursor.at, cursor.left) == (11, 1)


def test_nothing_is_read_beyond_the_end():
    cursor = Cursor(memoryview(b"\x09\x00ab"), 0, 4)
    with pytest.raises(LayoutError, match="9 bytes wanted, 2 left"):
        cursor.text()
    with pytest.raises(LayoutError):
        Cursor(memoryview(b"abcdefgh"), 2, 4).value("I")
