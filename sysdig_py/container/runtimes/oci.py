"""Files that container engines leave for each container: no service needs to run or to be asked.

containerd keeps an OCI bundle per running container; podman and CRI-O share the containers/storage
library, which keeps one too and an index with names and images. CRI runtimes write what Kubernetes
said about a container into the bundle's annotations.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from sysdig_py.container.cgroup import CgroupMatch
from sysdig_py.container.model import ContainerInfo, bare, short_image_id, split_image
from sysdig_py.container.runtimes.present import present

CONTAINERD_BUNDLES: Final = tuple(
    f"{state}/io.containerd.runtime.v2.task/*/%s/config.json"
    for state in ("/run/containerd", "/run/k3s/containerd", "/var/snap/microk8s/common/run/containerd")
)
_STORAGES: Final = (
    "/var/lib/containers/storage",
    "/root/.local/share/containers/storage",
    "/home/*/.local/share/containers/storage",
)
# CRI-O's bundles are in the run-time folder, podman's beside the index.
STORAGE_BUNDLES: Final = tuple(
    f"{folder}/*-containers/%s/userdata/config.json"
    for folder in ("/run/containers/storage", "/run/user/*/containers", *_STORAGES)
)
STORAGE_INDEXES: Final = tuple(f"{folder}/*-containers/*containers.json" for folder in _STORAGES)
# Docker's containers are in containerd's state too, without their names; Docker itself knows better.
_DOCKER_NAMESPACE: Final = "moby"
_SAFE_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
# The same fact under the name each writer gives it; the first that is there counts.
_NAME_KEYS: Final = ("io.kubernetes.cri.container-name", "io.kubernetes.container.name", "nerdctl/name")
_IMAGE_KEYS: Final = ("io.kubernetes.cri.image-name", "io.kubernetes.cri-o.ImageName", "nerdctl/image-name")
_POD_LABELS: Final = {
    "io.kubernetes.container.name": ("io.kubernetes.cri.container-name", "io.kubernetes.container.name"),
    "io.kubernetes.pod.name": ("io.kubernetes.cri.sandbox-name", "io.kubernetes.pod.name"),
    "io.kubernetes.pod.namespace": ("io.kubernetes.cri.sandbox-namespace", "io.kubernetes.pod.namespace"),
    "io.kubernetes.pod.uid": ("io.kubernetes.cri.sandbox-uid", "io.kubernetes.pod.uid"),
}
_PRIVILEGED_KEYS: Final = ("io.podman.annotations.privileged", "io.kubernetes.cri-o.PrivilegedRuntime")
_SANDBOX_KEYS: Final = ("io.kubernetes.cri.container-type", "io.kubernetes.cri-o.ContainerType")


class Containerd:
    """containerd: its own clients' containers, nerdctl's and those of Kubernetes."""

    def __init__(self, bundles: Sequence[str] = CONTAINERD_BUNDLES) -> None:
        """Look for bundles at the glob patterns `bundles`, in which `%s` is the container's id."""
        self._bundles = tuple(bundles)

    def look_up(self, match: CgroupMatch) -> Iterator[ContainerInfo]:
        """Yield what the container's bundle says."""
        if match.runtime in ("containerd", "cri", "docker"):
            config = _first_bundle(self._bundles, match.full_id)
            if config is not None:
                yield from_bundle(config, bare(match)._replace(type="containerd"))


class ContainersStorage:
    """containers/storage, the library under podman and CRI-O."""

    def __init__(self, bundles: Sequence[str] = STORAGE_BUNDLES, indexes: Sequence[str] = STORAGE_INDEXES) -> None:
        """Look at the glob patterns `bundles` (`%s`: the id) and `indexes`."""
        self._bundles = tuple(bundles)
        self._indexes = tuple(indexes)

    def look_up(self, match: CgroupMatch) -> Iterator[ContainerInfo]:
        """Yield what the index and the bundle say."""
        if match.runtime not in ("podman", "cri-o", "cri"):
            return
        config = _first_bundle(self._bundles, match.full_id)
        row = self._row(match.full_id)
        if config is None and row is None:
            return
        type_name = "cri-o" if match.runtime == "cri" else match.runtime
        info = from_bundle(config or {}, bare(match)._replace(type=type_name))
        yield from_storage(row, info) if row else info

    def _row(self, full_id: str) -> dict[str, Any] | None:
        for path in present(self._indexes):
            rows: list[dict[str, Any]] = _load(path) or []
            for row in rows:
                if row.get("id") == full_id:
                    return row
        return None


def from_bundle(config: dict[str, Any], info: ContainerInfo) -> ContainerInfo:
    """Return `info` completed by an OCI bundle's `config.json`."""
    notes = config.get("annotations") or {}
    image = _pick(notes, _IMAGE_KEYS)
    repo, tag, digest = split_image(image)
    name = _pick(notes, _NAME_KEYS)
    if _pick(notes, _SANDBOX_KEYS) == "sandbox":
        name = name or "POD"
    labels = {label: text for label, keys in _POD_LABELS.items() if (text := _pick(notes, keys))}
    return info._replace(
        name=name or info.name,
        image=image,
        image_repo=repo,
        image_tag=tag,
        image_digest=digest,
        privileged=_pick(notes, _PRIVILEGED_KEYS).lower() == "true",
        labels=labels,
        netns=_netns(config),
        details=_details(config),
    )


def from_storage(row: dict[str, Any], info: ContainerInfo) -> ContainerInfo:
    """Return `info` completed by a row of containers/storage's index."""
    said = json.loads(row.get("metadata") or "{}")
    image = info.image or said.get("image-name") or ""
    repo, tag, digest = split_image(image)
    names = row.get("names") or [""]
    return info._replace(
        name=info.name or names[0],
        image=image,
        image_id=short_image_id(row.get("image") or said.get("image-id") or ""),
        image_repo=repo,
        image_tag=tag,
        image_digest=digest,
    )


def _first_bundle(patterns: Sequence[str], full_id: str) -> dict[str, Any] | None:
    if not _SAFE_ID.fullmatch(full_id):
        return None
    paths = present(pattern % full_id for pattern in patterns)
    configs = (_load(path) for path in paths if _DOCKER_NAMESPACE not in path.parts)
    return next((config for config in configs if config is not None), None)


def _load(path: Path) -> Any | None:
    """Return a JSON file's content, None when it is gone or just being written."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None


def _pick(notes: dict[str, str], keys: Sequence[str]) -> str:
    return next((notes[key] for key in keys if notes.get(key)), "")


def _netns(config: dict[str, Any]) -> int:
    """Return the inode of the network namespace that was prepared for the container, 0 when there is none."""
    spaces = (config.get("linux") or {}).get("namespaces") or ()
    path = next((space["path"] for space in spaces if space.get("type") == "network" and space.get("path")), "")
    try:
        return Path(path).stat().st_ino if path else 0
    except OSError:
        return 0


def _details(config: dict[str, Any]) -> dict[str, Any]:
    if not config:
        return {}
    binds = [mount for mount in config.get("mounts") or () if "bind" in str(mount.get("type"))]
    return {"Mounts": [_mount(mount) for mount in binds], "env": (config.get("process") or {}).get("env") or []}


def _mount(mount: dict[str, Any]) -> dict[str, Any]:
    options = mount.get("options") or ()
    propagation = next((o for o in options if o.lstrip("r") in ("private", "shared", "slave")), "")
    return {
        "Source": mount.get("source") or "",
        "Destination": mount.get("destination") or "",
        "Mode": "ro" if "ro" in options else "rw",
        "RW": "ro" not in options,
        "Propagation": propagation,
    }
