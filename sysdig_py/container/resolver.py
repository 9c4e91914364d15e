"""Cgroups -> state records: which container each is, and what its runtime says about it.

A new cgroup is answered within a short bound, so that the records stand in the stream before the
container's first event; what the engine says later comes out of `pending`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from sysdig_py.container.cgroup import PLAIN, CgroupMatch, identify
from sysdig_py.container.lookups import LookUps
from sysdig_py.container.model import ContainerInfo, bare
from sysdig_py.container.records import cgroup_record, container_record
from sysdig_py.container.runtimes import Runtime
from sysdig_py.container.runtimes.docker import docker, podman
from sysdig_py.container.runtimes.oci import Containerd, ContainersStorage

WAIT_NEW: Final = 0.15
WAIT_SNAPSHOT: Final = 3.0
_KNOWN_LIMIT: Final = 4096

Walk = Callable[[], Iterable[tuple[int, str]]]


def local_runtimes() -> tuple[Runtime, ...]:
    """Return every source of knowledge about this machine's containers, in the order they are asked."""
    return docker(), podman(), ContainersStorage(), Containerd()


class Resolver:
    """Turns cgroups into CGROUP and CONTAINER records, a CONTAINER always before its first CGROUP."""

    def __init__(self, walk: Walk, runtimes: Sequence[Runtime] | None = None) -> None:
        """Use `walk` to list (cgroup id, path) of all cgroups, and `runtimes` (default: all local ones)."""
        self._walk = walk
        self._look_ups = LookUps(local_runtimes() if runtimes is None else runtimes)
        # Container by the path of its own cgroup: answers for the cgroups made inside a container.
        self._known: OrderedDict[str, ContainerInfo] = OrderedDict()
        self._held: list[ContainerInfo] = []

    def snapshot(self) -> list[bytes]:
        """Return the records of all cgroups there are."""
        found = [(cgroup_id, path, identify(path)) for cgroup_id, path in self._walk()]
        containers = {match.root: match for _, _, match in found if match}
        infos = self._ask_all(containers)
        for root, info in infos.items():
            self._remember(root, info)
        records = [container_record(info) for info in infos.values()]
        for cgroup_id, path, match in found:
            records.append(cgroup_record(cgroup_id, path, infos[match.root].id if match else ""))
        return records

    def on_cgroup(self, cgroup_id: int, path: str) -> list[bytes]:
        """Return the records of a cgroup that was just made; whatever its id or path meant before is forgotten."""
        match = identify(path)
        if match is None:
            return [cgroup_record(cgroup_id, path, "")]
        known = self._known.get(match.root) if path != match.root else None
        if known:
            return [cgroup_record(cgroup_id, path, known.id)]
        info = self._ask(match) or bare(match)
        self._remember(match.root, info)
        return [container_record(info), cgroup_record(cgroup_id, path, info.id)]

    def pending(self) -> list[bytes]:
        """Return the records of what runtimes said since; to be fed whenever it suits, never blocks."""
        late, self._held = self._held + self._look_ups.late(), []
        roots = {info.full_id: root for root, info in self._known.items()} if late else {}
        for info in late:
            if info.full_id in roots:
                self._known[roots[info.full_id]] = info
        return [container_record(info) for info in late]

    @property
    def failures(self) -> Sequence[str]:
        """The latest answers of runtimes that could not be understood, for diagnosis."""
        return tuple(self._look_ups.failures)

    def close(self) -> None:
        """Stop looking up."""
        self._look_ups.close()

    def _ask(self, match: CgroupMatch) -> ContainerInfo | None:
        """Look one up; a plain cgroup is nobody's container."""
        return self._look_ups.wait(self._look_ups.start(match), WAIT_NEW) if match.runtime != PLAIN else None

    def _ask_all(self, containers: dict[str, CgroupMatch]) -> dict[str, ContainerInfo]:
        """Look all up at once and return the fullest answers that come in time."""
        jobs = {root: self._look_ups.start(match) for root, match in containers.items() if match.runtime != PLAIN}
        if jobs:
            self._look_ups.settle(WAIT_SNAPSHOT)
        infos = {root: bare(match) for root, match in containers.items()}
        infos |= {root: self._look_ups.wait(job, 0) or infos[root] for root, job in jobs.items()}
        later = {info.full_id: info for info in self._look_ups.late()}
        fullest = {root: later.pop(info.full_id, info) for root, info in infos.items()}
        self._held += later.values()
        return fullest

    def _remember(self, root: str, info: ContainerInfo) -> None:
        self._known[root] = info
        self._known.move_to_end(root)
        if len(self._known) > _KNOWN_LIMIT:
            self._known.popitem(last=False)
