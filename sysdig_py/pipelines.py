"""One plan for sources of any kind: a pipeline for each dialect among them.

An engine understands events of one kind (`Source.dialect`), so a run over several traces may need two. Sources are read
one after the other in any case, and write to one output. What a chisel has gathered stays with its engine: it goes on
with the next source of that kind.
"""

from __future__ import annotations

from collections.abc import Callable

from sysdig_py.capture.source import Source
from sysdig_py.pipeline import Pipeline


class Pipelines:
    """The pipelines of a run, made when the first source of their kind comes."""

    def __init__(self, make: Callable[[str], Pipeline], first: str = "") -> None:
        """Make the pipeline for the dialect `first` now, which tells whether the plan makes sense.

        Raises:
            SysdigPyError: whatever `make` raises.
        """
        self._make = make
        self._made: dict[str, Pipeline] = {first: make(first)}

    def knows(self, source: Source) -> bool:
        """Whether there was a source of this kind, or the run was begun for one."""
        return source.dialect in self._made

    def for_source(self, source: Source) -> Pipeline:
        """Return the pipeline that understands a source."""
        if source.dialect not in self._made:
            self._made[source.dialect] = self._make(source.dialect)
        return self._made[source.dialect]

    def summary_text(self) -> bytes:
        """Return the counts of all events, whatever their kind."""
        first, *others = self._made.values()
        for other in others:
            first.summary.take_in(other.summary)
        return first.summary.text()
