"""Questions about containers, answered per cgroup by the engine, for the kernel to look up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sysdig_py.engine.vm import Engine


class ContainerAnswers:
    """The answers, one bit per question, of every cgroup that is known.

    A cgroup without answers is one of which the kernel knows nothing: its events are let through.
    """

    def __init__(self, engine: Engine | None = None, checks: Sequence[str] = ()) -> None:
        """Hand the questions to the engine.

        Args:
            engine: the engine that knows the containers.
            checks: Lua source of each question.
        """
        self._lua: Any = None
        self._known: dict[int, int] = {}
        if engine is not None and checks:
            self._lua = engine.require("container_answers")
            self._lua[b"ask"](*(check.encode("utf-8", "surrogateescape") for check in checks))

    def changed(self) -> dict[int, int]:
        """Return the cgroups whose answers are new or other than at the last call, with the answers."""
        if self._lua is None:
            return {}
        flat = map(int, self._lua[b"answers"]().values())
        now = {cgroup: high << 32 | low for cgroup, low, high in zip(flat, flat, flat, strict=True)}
        changed = {cgroup: bits for cgroup, bits in now.items() if self._known.get(cgroup) != bits}
        self._known = now
        return changed
