"""Measurements in, level out; nothing else. Times are seconds of a monotonic clock."""

from __future__ import annotations

from typing import Final, NamedTuple

from sysdig_py.capture.overhead.levels import LEVELS

# After a step down nothing is taken back for so long: what a level costs must be seen to be believed.
HOLD: Final = 5.0
# So many measurements in a row must be good for a step back; after a step back, one less.
CALM: Final = 3
# A step back must leave this much of the limit unused.
ROOM: Final = 0.3
# What a level was seen to cost is believed for so long.
BELIEVED: Final = 60.0


class Sample(NamedTuple):
    """What was measured.

    Attributes:
        began: when the measurement began, in seconds.
        ended: when it ended.
        programs: share of the machine's processor time that the probe's programs took.
        own: share that the capturing process took.
        calls: how many system calls ended, per second.
    """

    began: float
    ended: float
    programs: float
    own: float
    calls: float

    @property
    def share(self) -> float:
        """The whole share."""
        return self.programs + self.own


class Controller:
    """Chooses how much is left out.

    One level down at each measurement above the limit. One level up when the level above would cost clearly less
    than the limit: by what a call cost there and how many there are now, or, when that is not known or too
    long ago, when the cost is less than half the limit.
    """

    def __init__(self, limit: float, now: float) -> None:
        """Begin at `now` with everything; `limit` is a share of the machine's processor time."""
        self.limit = limit
        self.level = 0
        self._changed = now
        self._held_until = now
        self._calm = 0
        # of each level: what one call per second cost, and when that was seen
        self._costs: dict[int, tuple[float, float]] = {}

    def take(self, sample: Sample) -> int:
        """Take a measurement in and return the level from now on."""
        if sample.began < self._changed:
            return self.level  # in part about another level
        if sample.calls > 0:
            self._costs[self.level] = (sample.share / sample.calls, sample.ended)
        if sample.share > self.limit:
            self._calm = 0
            if self.level < len(LEVELS) - 1:
                self._go(self.level + 1, sample.ended)
                self._held_until = sample.ended + HOLD
            return self.level
        self._calm = self._calm + 1 if self._has_room(sample) else 0
        if self._calm >= CALM and sample.ended >= self._held_until:
            self._go(self.level - 1, sample.ended)
            self._calm = 1
        return self.level

    def _has_room(self, sample: Sample) -> bool:
        """Whether the level above would do."""
        if self.level == 0:
            return False
        cost, seen = self._costs.get(self.level - 1, (0.0, -BELIEVED))
        if sample.ended - seen < BELIEVED:
            return cost * sample.calls <= self.limit * (1 - ROOM)
        return sample.share <= self.limit / 2

    def _go(self, level: int, now: float) -> None:
        self.level = level
        self._changed = now
