"""Containers and cgroups as state records of the stream (`schema.state`)."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping

from sysdig_py.container.model import ContainerInfo
from sysdig_py.schema.record import Flag, pack_record
from sysdig_py.schema.state import State

_U32 = struct.Struct("<I").pack
_U64 = struct.Struct("<Q").pack


def charbuf(text: str) -> bytes:
    """Return `text` as a charbuf parameter; bytes that are no UTF-8 survive a round trip from the kernel."""
    return text.encode("utf-8", "surrogateescape") + b"\0"


def cgroup_record(cgroup_id: int, path: str, container_id: str) -> bytes:
    """Return the record which says what `cgroup_id` means; `container_id` is "" for the host."""
    params = [_U64(cgroup_id), charbuf(path), charbuf(container_id)]
    return pack_record(State.CGROUP, params, flags=Flag.STATE_ONLY)


def container_record(info: ContainerInfo) -> bytes:
    """Return the record which describes a container."""
    texts = (
        info.id,
        info.full_id,
        info.type,
        info.name,
        info.image,
        info.image_id,
        info.image_repo,
        info.image_tag,
        info.image_digest,
        info.ip,
    )
    params = [charbuf(text) for text in texts]
    params += [_U32(info.privileged), _labels(info.labels), _U64(info.netns), charbuf(_json(info))]
    return pack_record(State.CONTAINER, params, flags=Flag.STATE_ONLY)


def _labels(labels: Mapping[str, str]) -> bytes:
    return b"".join(charbuf(f"{key}={value}") for key, value in labels.items())


def _json(info: ContainerInfo) -> str:
    """Return the facts that have no parameter of their own, "" when there are none."""
    return json.dumps(info.details, separators=(",", ":"), ensure_ascii=False) if info.details else ""
