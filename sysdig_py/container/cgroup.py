"""Cgroup path -> container: one table of the layouts container runtimes use; pure, no I/O.

The leftmost match of a path wins, so that everything below a container's own cgroup, containers
of a nested engine included, belongs to that container. A cgroup of no known layout which is not
part of the host's own tree is a container of type `cgroup`, named by its path.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from sysdig_py.container.model import SHORT_ID_LENGTH

PLAIN: Final = "cgroup"

_FULL_HEX_ID = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class CgroupMatch:
    """A cgroup that belongs to a container.

    Attributes:
        runtime: container type as `container.type` shows it.
        full_id: id as the runtime spells it.
        short_id: what `container.id` shows: 12 characters of a 64-digit hex id, else the full id.
        name: name the path itself tells, "" when only the runtime knows it.
        root: path of the container's own cgroup; the matched cgroup is this one or below it.
    """

    runtime: str
    full_id: str
    short_id: str
    name: str
    root: str


def _layout(runtime: str, pattern: str) -> tuple[str, re.Pattern[str]]:
    """Return a row of the table: `pattern` starts after a slash and ends at a slash or the end."""
    return runtime, re.compile(f"(?:^|(?<=/)){pattern}(?=/|$)")


_HEX = r"(?P<id>[0-9a-f]{64})"
_NAME = r"(?P<name>[^/]+?)"
_UUID_PARTS = [rf"[0-9a-f]{{{count}}}" for count in (8, 4, 4, 4, 12)]
_UUID = "-".join(_UUID_PARTS)
_ESCAPED_UUID = r"\\x2d".join(_UUID_PARTS)

# Rows that start at the same component are tried in this order.
LAYOUTS: Final = (
    # podman: systemd and cgroupfs drivers, split cgroups of a service, old rootless scopes
    _layout("podman", rf"libpod-(?:payload-)?{_HEX}(?:\.scope)?"),
    _layout("podman", rf"podman-\d+\.scope/{_HEX}"),
    # cri-o: with and without systemd
    _layout("cri-o", rf"crio-{_HEX}(?:\.scope)?"),
    # containerd's CRI plug-in, the second without SystemdCgroup (slice:prefix:name)
    _layout("containerd", rf"cri-containerd-{_HEX}\.scope"),
    _layout("containerd", rf"[^/:]+:cri-containerd:{_HEX}"),
    _layout("containerd", rf"nerdctl-{_HEX}\.scope"),
    _layout("containerd", rf"k8s\.io/{_HEX}"),
    _layout("docker", rf"docker-{_HEX}\.scope"),
    # slice:prefix:name of any runc caller whose cgroup driver is not systemd's
    _layout("docker", rf"[^/:]+:docker:{_HEX}"),
    _layout("cri-o", rf"[^/:]+:crio:{_HEX}"),
    _layout("podman", rf"[^/:]+:libpod:{_HEX}"),
    # below kubepods no name says which CRI runtime it is
    _layout("cri", rf"kubepods[^/]*(?:/[^/]+)*?/{_HEX}"),
    _layout("containerd", rf"default/{_HEX}"),
    # containerd's default namespace: any name a client chose (a plain "default" folder has no such children)
    _layout("containerd", r"(?<=^/)default/(?P<name>[A-Za-z0-9][A-Za-z0-9_.-]*)"),
    _layout("lxc", rf"lxc\.payload\.{_NAME}"),
    _layout("lxc", rf"lxc\.payload/{_NAME}"),
    _layout("libvirt-lxc", rf"libvirt/lxc/{_NAME}"),
    _layout("libvirt-lxc", rf"{_NAME}\.libvirt-lxc"),
    _layout("libvirt-lxc", rf"machine-lxc\\x2d(?:\d+\\x2d)?{_NAME}\.scope"),
    _layout("lxc", rf"lxc/{_NAME}"),
    _layout(
        "rkt",
        rf"machine-rkt\\x2d(?P<pod>{_ESCAPED_UUID})\.scope(?:(?:/payload)?/system\.slice/(?P<app>[^/]+)\.service)?",
    ),
    _layout("systemd-nspawn", rf"systemd-nspawn@{_NAME}\.service(?!/supervisor(?:/|$))"),
    _layout("systemd-nspawn", rf"machine-(?!qemu\\x2d){_NAME}\.scope(?!/supervisor(?:/|$))"),
    # OpenVZ 7: numeric or UUID container ids; 6 and its ve controller: numeric ones
    _layout("openvz", rf"machine\.slice/(?P<vz>\d+|{_UUID})"),
    _layout("openvz", rf"ve/(?P<vz>\d+|{_UUID})"),
    _layout("mesos", r"mesos/(?P<task>[0-9a-fA-F-]{36})"),
    _layout("bpm", r"(?:[^/]*-)?bpm-(?P<name>[A-Za-z0-9._-]+?)\.scope"),
    _layout("docker", _HEX),
)

# Folders in which runtimes keep their containers' cgroups, and helpers of runtimes that run on the host.
_HOST_FOLDERS: Final = re.compile(
    r"/(?:|docker|kubepods(?:/(?:burstable|besteffort|guaranteed))?(?:/pod[^/]*)?|libpod_parent(?:/(?:conmon|libpod_pod_[^/]*)(?:/.*)?)?"
    r"|lxc|lxc\.payload|lxc\.monitor(?:[./].*)?|lxc\.pivot(?:/.*)?|machine|libvirt(?:/lxc)?|mesos|default|k8s\.io|ve"
    r"|(?:crio|libpod)-conmon-[^/]*(?:/.*)?|openrc[./].*|openrc)"
)
_SYSTEMD_UNIT: Final = re.compile(r"/(?:init\.scope|[^/:]+\.slice)(?:/.*)?")


def identify(path: str) -> CgroupMatch | None:
    """Return the container that the cgroup `path` belongs to; None for the host's own cgroups."""
    found = _leftmost(path)
    if found:
        return _match(*found)
    if _HOST_FOLDERS.fullmatch(path) or _SYSTEMD_UNIT.fullmatch(path):
        return None
    return CgroupMatch(PLAIN, path, path, path, path)


def unescape(unit: str) -> str:
    r"""Return the text that systemd escaped as (a part of) a unit name (`\x2d` is `-`)."""
    return re.sub(r"\\x([0-9a-f]{2})", lambda m: chr(int(m[1], 16)), unit)


def _leftmost(path: str) -> tuple[str, re.Match[str]] | None:
    best: tuple[str, re.Match[str]] | None = None
    for runtime, pattern in LAYOUTS:
        match = pattern.search(path)
        if match and (best is None or match.start() < best[1].start()):
            best = runtime, match
    return best


def _match(runtime: str, match: re.Match[str]) -> CgroupMatch:
    root = match.string[: match.end()]
    if runtime == "rkt":
        return _rkt(match, root)
    full_id = unescape(next(value for value in match.groups() if value))
    is_hash = _FULL_HEX_ID.fullmatch(full_id) is not None
    short_id = full_id[:SHORT_ID_LENGTH] if is_hash else full_id
    return CgroupMatch(runtime, full_id, short_id, "" if is_hash else full_id, root)


def _rkt(match: re.Match[str], root: str) -> CgroupMatch:
    pod, app = unescape(match["pod"]), match["app"]
    full_id = f"{pod}:{unescape(app)}" if app else pod
    return CgroupMatch("rkt", full_id, full_id, unescape(app) if app else pod, root)
