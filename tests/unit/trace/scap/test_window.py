import ctypes
import struct

import pytest

from sysdig_py.trace.scap.reader import ROOM
from sysdig_py.trace.scap.window import HEADROOM, Window
from tests import scap

ONE, TWO = scap.block(0x216, b"first"), scap.block(0x217, b"the second")


def window(data: bytes, chunk: int = 7) -> Window:
    made = Window(bytearray(ROOM) + data[at : at + chunk] for at in range(0, len(data), chunk))
    made.more()
    return made


def test_blocks_pass_by_one_after_the_other():
    view = window(ONE + TWO)
    assert view.more(len(ONE))
    assert (view.frame(), view.trailer(len(ONE)), view.offset) == ((0x216, len(ONE)), len(ONE), 0)
    assert view.view(8, 13) == b"first"
    view.advance(len(ONE))
    assert view.more(len(TWO))
    assert (view.frame()[0], view.view(8, 18), view.offset) == (0x217, b"the second", len(ONE))
    assert ctypes.string_at(view.address, 4) == struct.pack("<I", 0x217)
    assert not view.more(len(TWO) + 1)
    assert view.left == len(TWO)


@pytest.mark.parametrize("chunk", [1, 3, 16, 1000])
def test_a_block_is_passed_over_in_pieces(chunk: int):
    view = window(ONE + TWO, chunk)
    assert view.pass_over(len(ONE))
    assert view.offset == len(ONE)
    view.more(len(TWO)) if view.left < len(TWO) else None
    assert view.frame() == (0x217, len(TWO))


def test_what_is_no_whole_block_is_not_passed_over():
    assert not window(ONE[:-1]).pass_over(len(ONE))
    assert not window(ONE[:-4] + b"\1\1\1\1" + TWO).pass_over(len(ONE))


def test_an_interface_list_with_a_wrong_length_has_its_size_all_the_same():
    right = scap.block(0x219, scap.interface("lo", bytes([127, 0, 0, 1]), bytes([255, 0, 0, 0])))
    wrong = struct.pack("<I", len(right) - 8)
    view = window(right[:4] + wrong + right[8:-4] + wrong + TWO, 1000)
    assert view.true_size(0x219, len(right) - 8) == len(right)
    assert view.true_size(0x216, len(right) - 8) == 0
    assert window(right, 1000).true_size(0x219, len(right)) == len(right)


def test_there_is_room_before_every_block():
    large = scap.block(0x216, bytes(3 * ROOM))
    view = window(ONE + large + TWO, chunk=1000)
    for block in (ONE, large, TWO):
        assert view.more(len(block)) or view.left >= len(block)
        ctypes.memset(view.address - HEADROOM, 0xFF, HEADROOM)
        assert view.frame() == (block[:4] and struct.unpack_from("<II", block))
        assert view.trailer(len(block)) == len(block)
        view.advance(len(block))
