import os
import struct

import pytest

from sysdig_py.capture.options import PAGE
from sysdig_py.capture.overhead.levels import ROWS
from sysdig_py.capture.overhead.reduction import Reduction


@pytest.mark.parametrize("cpus", [1, 3])
def test_the_word_is_set_and_counts_are_added_up_over_processors(cpus):
    control, counts = os.memfd_create("control"), os.memfd_create("counts")
    os.ftruncate(control, PAGE)
    os.ftruncate(counts, cpus * ROWS * 16)
    for cpu in range(cpus):
        # seen, left out
        os.pwrite(counts, struct.pack("<QQ", 100, 5 + cpu), (cpu * ROWS + 7) * 16)
    reduction = Reduction(control, counts, cpus)
    try:
        reduction.set(3 | 1 << 40)
        assert struct.unpack("<3Q", os.pread(control, 24, 0)) == (0, 0, 3 | 1 << 40)
        left_out = list(reduction.left_out())
        assert len(left_out) == ROWS
        assert {row: n for row, n in enumerate(left_out) if n} == {7: sum(range(5, 5 + cpus))}
    finally:
        reduction.close()
        os.close(control)
        os.close(counts)
