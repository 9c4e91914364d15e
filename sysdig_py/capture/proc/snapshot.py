"""The whole snapshot: users, groups, interfaces, then process by process its threads and open files.

Processes come and go while it runs; one that goes half-way is told as far as it was read.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from sysdig_py.capture.cgroups import Hierarchy, cgroup_id, cgroup_path, walk
from sysdig_py.capture.machine import boot_ts
from sysdig_py.capture.proc import fds, interfaces, process, users
from sysdig_py.capture.proc.reading import directory, link, numbers, read
from sysdig_py.capture.proc.sockets import NetworkNamespace


def snapshot(hierarchy: Hierarchy, proc: str = "/proc", *, user_names: bool = True) -> Iterator[bytes]:
    """Yield the state records of the machine as it is.

    Args:
        hierarchy: the tracked cgroup hierarchy, which gives threads their cgroup ids.
        proc: where procfs is mounted.
        user_names: tell users and groups.
    """
    if user_names:
        yield from users.users()
        yield from users.groups()
    yield from _Snapshot(hierarchy, proc).records()


def threads(hierarchy: Hierarchy, proc: str = "/proc") -> Iterator[bytes]:
    """Yield only the THREAD records; to be read before a capture begins.

    A process that ends between the start of the capture and the snapshot is in none of the two
    otherwise, and its last events would have no name.
    """
    yield from _Snapshot(hierarchy, proc).thread_records()


class _Snapshot:
    """What is read once and used for many processes."""

    def __init__(self, hierarchy: Hierarchy, proc: str) -> None:
        self._hierarchy = hierarchy
        self._proc = proc
        self._cgroup_ids = {path: number for number, path in walk(hierarchy)}
        self._cgroup_params: dict[bytes, tuple[int, bytes]] = {}
        self._controllers = _unified_controllers(hierarchy)
        self._boot_ts = boot_ts()
        self._namespaces: dict[bytes, NetworkNamespace] = {}

    def records(self) -> Iterator[bytes]:
        """Yield the records of interfaces, threads and open files."""
        own_netns = _inode(os.fsencode(Path(self._proc, "self/ns/net").readlink()))
        for interface in interfaces.own():
            yield interfaces.record(own_netns, interface)
        yield from self._each_process(lambda process_fd, pid: self._process(process_fd, pid, own_netns))

    def thread_records(self) -> Iterator[bytes]:
        """Yield the records of threads alone."""
        yield from self._each_process(lambda process_fd, pid: self._threads(process_fd, pid)[1])

    def _each_process(self, told: Callable[[int, int], Iterator[bytes]]) -> Iterator[bytes]:
        with directory(self._proc) as proc_fd:
            for pid in numbers(proc_fd):
                try:
                    with directory(str(pid), proc_fd) as process_fd:
                        yield from told(process_fd, pid)
                except OSError:  # gone
                    continue

    def _threads(self, process_fd: int, pid: int) -> tuple[int, Iterator[bytes]]:
        """Return the cgroup id of a process and the records of its threads."""
        cgroup, cgroups = self._cgroups(read("cgroup", process_fd))
        shared = process.read_process(process_fd, pid, cgroup, cgroups)
        return cgroup, process.thread_records(process_fd, shared, self._boot_ts)

    def _process(self, process_fd: int, pid: int, own_netns: int) -> Iterator[bytes]:
        cgroup, threads_of_process = self._threads(process_fd, pid)
        netns = link("ns/net", process_fd)
        if netns and netns not in self._namespaces:
            yield from self._enter(netns, process_fd, own_netns)
        yield from threads_of_process
        sockets = self._namespaces.get(netns) or NetworkNamespace()
        for file in fds.open_files(process_fd, sockets):
            yield fds.record(pid, cgroup, file)

    def _enter(self, netns: bytes, process_fd: int, own_netns: int) -> Iterator[bytes]:
        """Read the tables of a network namespace seen for the first time; if the process ends, the next one's are."""
        namespace = NetworkNamespace()
        if not namespace.load(process_fd):
            return
        self._namespaces[netns] = namespace
        inode = _inode(netns)
        if inode != own_netns:
            for interface in interfaces.of_process(process_fd):
                yield interfaces.record(inode, interface)

    def _cgroups(self, text: bytes) -> tuple[int, bytes]:
        """Return cgroup id and cgroups parameter; most processes share their text with others."""
        known = self._cgroup_params.get(text)
        if known is None:
            lines = os.fsdecode(text)
            path = cgroup_path(self._hierarchy, lines)
            number = self._cgroup_ids.get(path) or cgroup_id(self._hierarchy, path)
            known = number, process.cgroup_parameter(lines, self._controllers)
            self._cgroup_params[text] = known
        return known


def _inode(namespace: bytes) -> int:
    """Return the inode in the link of a namespace (`net:[4026531840]`)."""
    return int(namespace.partition(b"[")[2].rstrip(b"]"))


def _unified_controllers(hierarchy: Hierarchy) -> tuple[str, ...]:
    """Return the controllers that v2 has; none when v1 hierarchies have taken them."""
    if hierarchy.version != 2:
        return ()
    try:
        return tuple(Path(hierarchy.mount, "cgroup.controllers").read_text().split())
    except OSError:
        return ()
