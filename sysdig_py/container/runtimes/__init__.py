"""Asking container engines: one module per source of knowledge, all behind the `Runtime` protocol."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from sysdig_py.container.cgroup import CgroupMatch
from sysdig_py.container.model import ContainerInfo


class Runtime(Protocol):
    """One source of knowledge about containers."""

    def look_up(self, match: CgroupMatch) -> Iterator[ContainerInfo]:
        """Yield what is known about a container, each time more of it; nothing when it is not known here.

        The first result must come fast (it holds up the capture), later ones may take their time.
        An engine that is not there or does not answer yields nothing.
        """
        ...
