"""The cgroup hierarchy whose ids tag events: which one it is, and what is in it.

A cgroup's id is the inode number of its directory, the one the kernel has in its kernfs node.
Container engines put each container into a cgroup of its own in v2, and on v1 in these controllers.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sysdig_py.errors import EnvironmentLack

V1_CONTROLLERS: Final = ("pids", "memory", "cpu", "devices", "freezer", "blkio")
_UNIFIED_MOUNT: Final = "/sys/fs/cgroup"


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """One mounted cgroup hierarchy.

    Attributes:
        version: 2 or 1.
        mount: directory it is mounted at.
        controller: the v1 controller that names it, "" for v2.
        hierarchy_id: the kernel's number of it, as in `/proc/PID/cgroup`; 0 is v2.
        root: cgroup path that `mount` shows: "/" unless only a part of the hierarchy is mounted.
    """

    version: int
    mount: str
    controller: str
    hierarchy_id: int
    root: str = "/"


@dataclass(frozen=True, slots=True)
class _Mount:
    root: str
    point: str
    fstype: str
    options: frozenset[str]


def detect() -> Hierarchy:
    """Return the hierarchy to track.

    Raises:
        EnvironmentLack: no cgroup hierarchy is mounted.
    """
    return choose(Path("/proc/self/mountinfo").read_text(), Path("/proc/self/cgroup").read_text())


def choose(mountinfo: str, own_cgroups: str) -> Hierarchy:
    """Return the hierarchy to track, from the texts of `/proc/self/mountinfo` and `/proc/self/cgroup`."""
    mounts = _cgroup_mounts(mountinfo)
    unified = [mount for mount in mounts if mount.fstype == "cgroup2"]
    main = [mount for mount in unified if mount.point == _UNIFIED_MOUNT]
    if main:
        return Hierarchy(2, main[0].point, "", 0, main[0].root)
    for controller in V1_CONTROLLERS:
        for mount in mounts:
            if mount.fstype == "cgroup" and controller in mount.options:
                return Hierarchy(1, mount.point, controller, _hierarchy_id(own_cgroups, controller), mount.root)
    if unified:
        return Hierarchy(2, unified[0].point, "", 0, unified[0].root)
    raise EnvironmentLack("no cgroup hierarchy is mounted: mount one, e.g. `mount -t cgroup2 none /sys/fs/cgroup`")


def walk(hierarchy: Hierarchy) -> Iterator[tuple[int, str]]:
    """Yield (cgroup id, path) of every cgroup, parents first; paths are those of `/proc/PID/cgroup`."""
    try:
        yield Path(hierarchy.mount).stat().st_ino, hierarchy.root
    except OSError:
        return
    yield from _walk_below(hierarchy.mount, hierarchy.root.rstrip("/"))


def cgroup_path(hierarchy: Hierarchy, text: str) -> str:
    """Return the path of `hierarchy` in the text of a `/proc/PID/cgroup`, "" when it is not there."""
    for line in text.splitlines():
        number, controllers, path = line.split(":", 2)
        if _names(hierarchy, number, controllers):
            return path
    return ""


def of_pid(hierarchy: Hierarchy, pid: int) -> tuple[int, str]:
    """Return (cgroup id, path) of a process; (0, "") when it is gone, (0, path) when its cgroup is."""
    try:
        path = cgroup_path(hierarchy, Path(f"/proc/{pid}/cgroup").read_text())
        return cgroup_id(hierarchy, path), path
    except OSError:
        return 0, ""


def cgroup_id(hierarchy: Hierarchy, path: str) -> int:
    """Return the id of the cgroup at `path`, 0 when it is gone or not visible here."""
    below = os.path.relpath(path, hierarchy.root)
    try:
        return Path(hierarchy.mount, below).stat().st_ino
    except OSError:
        return 0


def _walk_below(directory: str, path: str) -> Iterator[tuple[int, str]]:
    try:
        entries = [entry for entry in os.scandir(directory) if entry.is_dir(follow_symlinks=False)]
    except OSError:  # removed meanwhile
        return
    for entry in entries:
        child = f"{path}/{entry.name}"
        yield entry.inode(), child
        yield from _walk_below(entry.path, child)


def _cgroup_mounts(mountinfo: str) -> list[_Mount]:
    mounts = []
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        fields, (fstype, _, options) = left.split(), right.split(" ", 2)
        if fstype in ("cgroup", "cgroup2"):
            root, point = (_unescape(text) for text in fields[3:5])
            mounts.append(_Mount(root, point, fstype, frozenset(options.split(","))))
    return mounts


def _unescape(text: str) -> str:
    """Undo mountinfo's octal escapes of space, tab, newline and backslash."""
    for code, char in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, char)
    return text


def _hierarchy_id(own_cgroups: str, controller: str) -> int:
    for line in own_cgroups.splitlines():
        number, controllers, _ = line.split(":", 2)
        if controller in controllers.split(","):
            return int(number)
    return -1


def _names(hierarchy: Hierarchy, number: str, controllers: str) -> bool:
    if hierarchy.version == 2:
        return number == "0" and not controllers
    return hierarchy.controller in controllers.split(",")
