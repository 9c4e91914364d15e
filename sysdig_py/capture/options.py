"""How to capture live."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

from sysdig_py.capture.ring import MAX_RINGS
from sysdig_py.capture.snaplen_rules import MAX_LENGTH, SnaplenRule
from sysdig_py.errors import UsageError

DEFAULT_SNAPLEN: Final = 80
MAX_SNAPLEN: Final = MAX_LENGTH  # what the 16 bits of a parameter's length can tell
PAGE: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """How to capture.

    Attributes:
        snaplen: bytes of data kept of each read and write; None is DEFAULT_SNAPLEN, or what a chisel asks for.
        ring_bytes: size of the ring buffer, a power of two; None chooses by memory and cores.
        rings: how many rings; None chooses by the number of processors.
        wait: seconds to sleep at most once the ring was read; the kernel wakes earlier when it fills up.
        drop_rights: give up privileges once everything is loaded.
        max_seconds: end after so many seconds even when nothing happens; 0 goes on for ever.
        user_names: look up users and groups.
        snaplen_rules: where another snaplen holds; the first rule that does counts.
        snapshot: read `/proc` at the start; without, the stream tells threads and open files at their first use only,
            and what never does anything stays unknown.
        latency: measure the time spent in each call; without, entries are not traced, which makes a call cheaper.
        max_overhead: cap of what the capture costs, in percent of the machine's processor time; 0 for none.
        events: event types to capture that are captured only when asked for (`capture/extras.py`).
    """

    snaplen: int | None = None
    ring_bytes: int | None = None
    rings: int | None = None
    wait: float = 0.05
    drop_rights: bool = True
    max_seconds: float = 0.0
    user_names: bool = True
    snapshot: bool = True
    latency: bool = True
    max_overhead: float = 0.0
    events: frozenset[str] = frozenset()
    snaplen_rules: tuple[SnaplenRule, ...] = ()

    @property
    def copied_bytes(self) -> int:
        """Return how much data a record may have at most."""
        return max(self.data_bytes, *(rule.length for rule in self.snaplen_rules), 0)

    @property
    def data_bytes(self) -> int:
        """Return the snaplen as a number."""
        return DEFAULT_SNAPLEN if self.snaplen is None else self.snaplen

    def __post_init__(self) -> None:
        """Refuse what cannot be done."""
        if not 0 <= self.data_bytes <= MAX_SNAPLEN:
            raise UsageError(f"the snaplen must be between 0 and {MAX_SNAPLEN}, not {self.snaplen}")
        size = self.ring_bytes
        if size is not None and (size < PAGE or size & (size - 1)):
            raise UsageError(f"the ring size must be a power of two of at least {PAGE} bytes, not {size}")
        if self.rings is not None and not 1 <= self.rings <= MAX_RINGS:
            raise UsageError(f"there can be 1 to {MAX_RINGS} rings, not {self.rings}")
        if not 0 <= self.max_overhead <= 100:
            raise UsageError(f"the overhead can be capped at up to 100 percent, not at {self.max_overhead:g}")
