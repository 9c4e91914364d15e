import itertools

import pytest

from sysdig_py.capture.overhead.levels import LEVELS, Level, Reduce, Step, word


def test_levels_come_in_the_order_of_their_steps_and_each_leaves_out_more():
    assert [level.step for level in LEVELS] == sorted(level.step for level in LEVELS)
    assert {level.step for level in LEVELS} == set(Step)
    bits = [Reduce(word(level) & 0xFFFFFFFF) for level in LEVELS]
    assert all(less & more == less for less, more in itertools.pairwise(bits))
    kept = [word(level) >> 32 for level in LEVELS if level.step >= Step.SAMPLED]
    assert kept == sorted(kept, reverse=True)
    assert kept[-1] == 0


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (Level(Step.WHOLE, 1), 0),
        (Level(Step.NO_DATA, 1), 1),
        (Level(Step.NO_ARGUMENTS, 1), 3),
        (Level(Step.SAMPLED, 4), 7 | 1 << 62),
        (Level(Step.COUNTED, 0), 7),
    ],
)
def test_the_probe_is_told_bits_and_the_part_that_is_kept(level, expected):
    assert word(level) == expected
