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
    """What the filters of a run make of a call; `group` is what its question is found by."""

    verdict: Verdict = Verdict.KEEP
    group: int = 0
