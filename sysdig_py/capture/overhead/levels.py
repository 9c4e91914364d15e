"""How much is left out to cap the cost: the steps, and the word that tells the probe (`probe/overhead.c`)."""

from __future__ import annotations

import enum
from typing import Final, NamedTuple


class Step(enum.IntEnum):
    """What an OVERHEAD record says of the stream; each step leaves out what those before it do, and more."""

    WHOLE = 0
    NO_DATA = 1  # data of reads and writes
    NO_ARGUMENTS = 2  # arguments of calls that feed no state, but for the fd
    SAMPLED = 3  # of calls that feed no state all but a part; they are counted
    COUNTED = 4  # of calls that feed no state all; they are counted


class Reduce(enum.IntFlag):
    """Bits of the word that the probe reads."""

    DATA = 1
    ARGUMENTS = 2
    CALLS = 4


class Level(NamedTuple):
    """A step; of calls that feed no state one in `one_in` is kept, 0: none."""

    step: Step
    one_in: int


# From one to the next the cost falls by about a third at first, then by what one call in so many costs.
LEVELS: Final = (
    Level(Step.WHOLE, 1),
    Level(Step.NO_DATA, 1),
    Level(Step.NO_ARGUMENTS, 1),
    Level(Step.SAMPLED, 10),
    Level(Step.SAMPLED, 100),
    Level(Step.COUNTED, 0),
)
ROWS: Final = 1024  # counts per CPU: calls by number, behind them other events by type
_SHIFT: Final = 32
_WHOLE: Final = 1 << 32


def word(level: Level) -> int:
    """Return what the probe is told: `Reduce` bits, and above them the part of 2**32 that is kept."""
    bits = Reduce.DATA if level.step >= Step.NO_DATA else Reduce(0)
    bits |= Reduce.ARGUMENTS if level.step >= Step.NO_ARGUMENTS else Reduce(0)
    if level.step < Step.SAMPLED:
        return int(bits)
    return int(bits | Reduce.CALLS) | (_WHOLE // level.one_in if level.one_in else 0) << _SHIFT
