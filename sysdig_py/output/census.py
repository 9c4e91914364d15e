"""What a run's events were: by name, by program, by container."""

from __future__ import annotations

from typing import Any, NamedTuple

from sysdig_py.engine.vm import Engine


class Census(NamedTuple):
    """Counts of accepted events.

    Attributes:
        events: by name of the event.
        programs: by name of the program.
        containers: by name of the container, "host" for none.
        processes: how many processes the events are of.
        threads: how many threads.
        first_ts: time of the first event, ns since the epoch; 0 when there is none.
        last_ts: time of the last event.
    """

    events: dict[str, int]
    programs: dict[str, int]
    containers: dict[str, int]
    processes: int
    threads: int
    first_ts: int
    last_ts: int


class CensusTaker:
    """Counts what passes through an engine from now on."""

    def __init__(self, engine: Engine) -> None:
        """Add the counters."""
        self._lua = engine.require("census")
        self._lua[b"start"]()

    def take(self) -> Census:
        """Return the counts so far, the largest first."""
        first, last = self._lua[b"times"]()
        events, programs, containers = (_sorted(self._lua[name]) for name in (b"events", b"programs", b"containers"))
        processes, threads = int(self._lua[b"processes"]), int(self._lua[b"threads"])
        return Census(events, programs, containers, processes, threads, int(first), int(last))


def _sorted(table: Any) -> dict[str, int]:
    counts = {key.decode(errors="replace"): int(value) for key, value in table.items()}
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
