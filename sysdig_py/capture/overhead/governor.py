"""Caps what the capture costs: measures, tells the kernel what to leave out, and tells the stream so."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, Protocol

from sysdig_py.capture.overhead.controller import Controller, Sample
from sysdig_py.capture.overhead.levels import LEVELS, Level, word
from sysdig_py.capture.plans import PLAN_COUNT, reported
from sysdig_py.schema.record import Flag, pack_record
from sysdig_py.schema.state import LEFT_OUT, State

_GENERIC: Final = 1
_MILLION: Final = 1_000_000
_MOST: Final = 2**32 - 1


class Measures(Protocol):
    """What the governor needs of a meter."""

    def take(self) -> Sample | None:
        """Return the last measurement, once."""

    def restart(self) -> None:
        """Begin a new measurement now."""


class Reduces(Protocol):
    """What the governor needs of the probe."""

    def reduce(self, reduction: int) -> None:
        """Tell the programs what to leave out."""

    def spared(self) -> Sequence[int]:
        """Return how many calls were left out since the start, by row."""

    def now(self) -> int:
        """Return the time, ns since the epoch."""


class Governor:
    """Keeps the share of a capture below a limit."""

    def __init__(
        self, percent: float, arch: str, probe: Reduces, meter: Measures, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin with everything.

        Args:
            percent: the limit, of the processor time that the machine has.
            arch: whose system calls.
            probe: what is told what to leave out.
            meter: what is asked for the cost.
            clock: the time of the measurements.
        """
        self._probe = probe
        self._meter = meter
        self._controller: Controller | None = None
        self._limit = percent / 100
        self._clock = clock
        self._calls = {
            nr: (event.code, ppm_sc if event.code == _GENERIC else 0) for nr, (event, ppm_sc) in reported(arch).items()
        }
        self._told: Sequence[int] = ()
        self._sample = Sample(0.0, 0.0, 0.0, 0.0, 0.0)

    @property
    def level(self) -> Level:
        """How much is left out now."""
        return LEVELS[self._controller.level if self._controller else 0]

    def records(self) -> Iterator[bytes]:
        """Follow the last measurement; yield what the stream has to be told.

        What was spent before the first call counts for nothing: a start costs more than what follows.
        """
        if self._controller is None:
            self._controller = Controller(self._limit, self._clock())
            self._meter.restart()
        sample = self._meter.take()
        if sample is None:
            return
        self._sample = sample
        before = self.level
        self._controller.take(sample)
        if self.level != before:
            self._probe.reduce(word(self.level))
            self._meter.restart()
        if self.level != before or self._controller.level:
            yield self._record()

    def rest(self) -> Iterator[bytes]:
        """Yield what was counted since the last record: nothing more comes."""
        if list(self._probe.spared()) != list(self._told or [0] * len(self._probe.spared())):
            yield self._record()

    def _record(self) -> bytes:
        sample = self._sample
        shares = (min(int(share * _MILLION), _MOST) for share in (sample.programs, sample.own, self._limit))
        numbers = [number.to_bytes(4, "little") for number in (self.level.one_in, *shares)]
        params = [bytes([self.level.step]), *numbers, self._counted()]
        return pack_record(State.OVERHEAD, params, ts=self._probe.now(), flags=Flag.STATE_ONLY)

    def _counted(self) -> bytes:
        """Return what was left out since the last record, by type and system call."""
        now = list(self._probe.spared())
        before = self._told or [0] * len(now)
        self._told = now
        return pack_left_out({row: n - before[row] for row, n in enumerate(now) if n != before[row]}, self._calls)


def pack_left_out(rows: Mapping[int, int], calls: Mapping[int, tuple[int, int]]) -> bytes:
    """Return counts by row of the probe as counts by event type and system call (`schema.state.LEFT_OUT`).

    Args:
        rows: how many were left out.
        calls: event type of a call's number, and ppm_sc of a generic one.
    """
    kinds: dict[tuple[int, int], int] = {}
    for row, number in rows.items():
        kind = calls[row] if row < PLAN_COUNT else (row - PLAN_COUNT, 0)
        kinds[kind] = kinds.get(kind, 0) + number
    return b"".join(struct.pack(LEFT_OUT, *kind, number) for kind, number in sorted(kinds.items()))
