"""The table of -S: how often each event came."""

from __future__ import annotations

from typing import Any

from sysdig_py.engine.vm import Engine


class Summary:
    """Counts of events by name, over all sources of a run."""

    def __init__(self, engine: Engine) -> None:
        """Nothing is counted before `start`."""
        self._lua: Any = engine.require("summary")

    def start(self) -> None:
        """Count every event that is delivered from now on."""
        self._lua[b"start"]()

    def take_in(self, other: Summary) -> None:
        """Add what was counted in another engine."""
        flat = other._lua[b"counts"]() or ()
        for marked, number in zip(flat[::2], flat[1::2], strict=True):
            self._lua[b"add"](marked, number)

    def text(self) -> bytes:
        """Return the table; without any event it is a head."""
        return bytes(self._lua[b"text"]())
