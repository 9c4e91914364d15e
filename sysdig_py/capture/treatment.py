"""What the filters of a run make of a system call."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Verdict(enum.IntEnum):
    """What becomes of a call (`judge.c`): by its number alone, or by the question of its group."""

    KEEP = 0
    DROP = 1
    STATE_ONLY = 2
    JUDGE = 3


@dataclass(frozen=True, slots=True)
class Treatment:
    """What a run makes of a call.

    Attributes:
        verdict: by its number.
        group: which question decides, with `Verdict.JUDGE`.
        rules: number of the snaplen rules that apply, 0 for none.
    """

    verdict: Verdict = Verdict.KEEP
    group: int = 0
    rules: int = 0
