"""What is known about one container, whoever said it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from sysdig_py.container.cgroup import CgroupMatch

SHORT_ID_LENGTH: Final = 12
_NONE: Final[Mapping[str, Any]] = MappingProxyType({})


class ContainerInfo(NamedTuple):
    """One container. Empty text, 0 and empty collections mean unknown.

    Attributes:
        id: what `container.id` shows; `full_id` as the runtime spells it.
        full_id: id as the runtime spells it.
        type: `container.type`.
        name: `container.name`.
        image: image as the user gave it.
        image_id: hex digits of the image's id.
        image_repo: image without tag and digest.
        image_tag: tag.
        image_digest: registry digest.
        ip: dotted IPv4 address.
        privileged: started privileged.
        labels: label -> value.
        netns: inode of the network namespace.
        details: further facts under the keys of a scap container event (Mounts, env, cpu_shares, ...).
    """

    id: str
    full_id: str
    type: str
    name: str = ""
    image: str = ""
    image_id: str = ""
    image_repo: str = ""
    image_tag: str = ""
    image_digest: str = ""
    ip: str = ""
    privileged: bool = False
    labels: Mapping[str, str] = _NONE
    netns: int = 0
    details: Mapping[str, Any] = _NONE


def bare(match: CgroupMatch) -> ContainerInfo:
    """Return what a cgroup path alone tells."""
    return ContainerInfo(match.short_id, match.full_id, match.runtime, match.name)


def short_image_id(image_id: str) -> str:
    """Return an image id without its algorithm (`sha256:...`)."""
    return image_id.rpartition(":")[2]


def split_image(image: str) -> tuple[str, str, str]:
    """Return repository, tag and digest of an image reference (`host:5000/name:tag@sha256:...`)."""
    if image.startswith("sha256:"):
        return "", "", ""
    rest, _, digest = image.partition("@")
    folder, slash, last = rest.rpartition("/")
    name, _, tag = last.partition(":")
    return folder + slash + name, tag, digest


def short_id(full_id: str) -> str:
    """Return the form of a hexadecimal container id that `container.id` shows."""
    return full_id[:SHORT_ID_LENGTH]
