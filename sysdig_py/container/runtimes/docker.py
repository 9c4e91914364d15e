"""Docker Engine API, which podman's service speaks as well.

Looks a container up in two steps: the list call, which does not wait for the lock an engine holds
while it starts a container, tells name, image and labels at once; inspect, which does wait, then
tells the address, the mounts and the rest.
"""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

from sysdig_py.container.cgroup import CgroupMatch
from sysdig_py.container.model import ContainerInfo, short_image_id, split_image
from sysdig_py.container.runtimes.docker_details import details
from sysdig_py.container.runtimes.present import present

LIST_TIMEOUT: Final = 2.0
INSPECT_TIMEOUT: Final = 15.0

DOCKER_SOCKETS: Final = ("/run/docker.sock", "/run/user/*/docker.sock")
PODMAN_SOCKETS: Final = ("/run/podman/podman.sock", "/run/user/*/podman/podman.sock")


class Docker:
    """Engines that speak the Docker API on unix sockets; one that is not there is passed over."""

    def __init__(self, type_name: str, sockets: Sequence[str], serves: Sequence[str] = ()) -> None:
        """Ask the engines behind `sockets` (glob patterns) and call what they know `type_name`.

        `serves` are the runtimes whose cgroups may be this engine's; default: those of `type_name`.
        """
        self._type = type_name
        self._serves = frozenset(serves or (type_name,))
        self._sockets = tuple(sockets)

    def look_up(self, match: CgroupMatch) -> Iterator[ContainerInfo]:
        """Yield name, image and labels of a container, then all an inspection tells."""
        if match.runtime not in self._serves:
            return
        for path in map(str, present(self._sockets)):
            listed = self._list(path, match)
            if listed is not None:
                yield listed
                inspected = self._inspect(path, listed)
                if inspected is not None:
                    yield inspected
                return

    def _list(self, path: str, match: CgroupMatch) -> ContainerInfo | None:
        query = urlencode({"all": 1, "filters": json.dumps({"id": [match.full_id]})})
        rows = _ask(path, f"/containers/json?{query}", LIST_TIMEOUT)
        row = next((r for r in rows or () if r.get("Id") == match.full_id), None)
        return from_list(row, match, self._type) if row else None

    def _inspect(self, path: str, listed: ContainerInfo) -> ContainerInfo | None:
        answer = _ask(path, f"/containers/{listed.full_id}/json", INSPECT_TIMEOUT)
        if not answer:
            return None
        image = _ask(path, f"/images/{quote(answer.get('Image') or '', safe='')}/json", LIST_TIMEOUT)
        return from_inspect(answer, image or {}, listed)


def docker() -> Docker:
    """Return the local Docker engines; `$DOCKER_HOST` comes first when it is a unix socket."""
    chosen = os.environ.get("DOCKER_HOST", "")
    first = (glob.escape(chosen.removeprefix("unix://")),) if chosen.startswith("unix://") else ()
    return Docker("docker", first + DOCKER_SOCKETS, serves=("docker", "cri"))


def podman() -> Docker:
    """Return the local podman services, root's and the users'."""
    return Docker("podman", PODMAN_SOCKETS)


def from_list(row: dict[str, Any], match: CgroupMatch, type_name: str) -> ContainerInfo:
    """Return what a row of `/containers/json` says."""
    repo, tag, digest = split_image(row.get("Image") or "")
    names = row.get("Names") or [""]
    # A container linked to others has their aliases of it too ("/other/alias").
    name = min(names, key=lambda text: text.count("/"))
    return ContainerInfo(
        id=match.short_id,
        full_id=match.full_id,
        type=type_name,
        name=name.lstrip("/"),
        image=row.get("Image") or "",
        image_id=short_image_id(row.get("ImageID") or ""),
        image_repo=repo,
        image_tag=tag,
        image_digest=digest,
        ip=_address(row.get("NetworkSettings") or {}),
        labels=row.get("Labels") or {},
    )


def from_inspect(answer: dict[str, Any], image: dict[str, Any], listed: ContainerInfo) -> ContainerInfo:
    """Return `listed` completed by `/containers/ID/json` and its image's `/images/ID/json`."""
    config = answer.get("Config") or {}
    named = config.get("Image") or listed.image
    repo, tag, digest = _image_names(named, image)
    return listed._replace(
        name=(answer.get("Name") or listed.name).lstrip("/"),
        image=named,
        image_id=short_image_id(answer.get("Image") or listed.image_id),
        image_repo=repo,
        image_tag=tag,
        image_digest=digest,
        ip=_address(answer.get("NetworkSettings") or {}) or listed.ip,
        privileged=bool((answer.get("HostConfig") or {}).get("Privileged")),
        labels=config.get("Labels") or listed.labels,
        netns=_netns(answer),
        details=details(answer),
    )


def _image_names(named: str, image: dict[str, Any]) -> tuple[str, str, str]:
    """Return repository, tag and digest; an image given by id alone has them in its own description."""
    repo, tag, digest = split_image(named)
    digests = image.get("RepoDigests") or []
    tags = image.get("RepoTags") or []
    known = {split_image(text)[0]: split_image(text)[2] for text in digests}
    if not repo and tags:
        repo, tag, _ = split_image(tags[0])
    return repo, tag, digest or known.get(repo, "") or next(iter(known.values()), "")


def _address(settings: dict[str, Any]) -> str:
    own = str(settings.get("IPAddress") or "")
    networks = (settings.get("Networks") or {}).values()
    return own or next((str(n["IPAddress"]) for n in networks if n and n.get("IPAddress")), "")


def _netns(answer: dict[str, Any]) -> int:
    """Return the inode of the network namespace of a running container's first process, else 0."""
    pid = (answer.get("State") or {}).get("Pid") or 0
    try:
        return Path(f"/proc/{pid}/ns/net").stat().st_ino if pid else 0
    except OSError:
        return 0


def _ask(path: str, target: str, timeout: float) -> Any | None:
    # HTTP takes its time to load, and is needed only where an engine listens
    from sysdig_py.container.runtimes.unix_http import get_json

    return get_json(path, target, timeout)
