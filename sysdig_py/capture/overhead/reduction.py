"""What the probe and user space share of a capped cost: the word that is read at every call, and the counts."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

from sysdig_py.capture.options import PAGE
from sysdig_py.capture.overhead.levels import ROWS
from sysdig_py.capture.ring import map_shared, unmap

_WORD_AT = 16  # in `struct control`
_COUNT_WORDS = 2  # `struct overhead_count`: seen, left out


class Reduction:
    """The mapped memory of both."""

    def __init__(self, control_fd: int, counts_fd: int, cpus: int) -> None:
        """Map the two maps; `cpus` of counts there are."""
        self._cpus = cpus
        self._length = -(-cpus * ROWS * _COUNT_WORDS * 8 // PAGE) * PAGE
        self._control = map_shared(control_fd, PAGE, 0, writable=True)
        self._counts = map_shared(counts_fd, self._length, 0, writable=False)

    def set(self, reduction: int) -> None:
        """Say what is left out from the next call on (`levels.word`)."""
        ctypes.c_uint64.from_address(self._control + _WORD_AT).value = reduction

    def left_out(self) -> Sequence[int]:
        """Return how many were left out since the start, by row."""
        words = (ctypes.c_uint64 * (self._cpus * ROWS * _COUNT_WORDS)).from_address(self._counts)
        per_cpu = ROWS * _COUNT_WORDS
        columns = [words[cpu * per_cpu + 1 : (cpu + 1) * per_cpu : _COUNT_WORDS] for cpu in range(self._cpus)]
        return columns[0] if len(columns) == 1 else list(map(sum, zip(*columns, strict=True)))

    def close(self) -> None:
        """Unmap."""
        unmap(self._control, PAGE)
        unmap(self._counts, self._length)
