"""Container events of a .scap <-> CONTAINER records: the JSON ones of newer traces, the binary one of old ones."""

from __future__ import annotations

import json
import struct
from typing import Any, Final, NamedTuple

from sysdig_py.container.model import ContainerInfo
from sysdig_py.container.records import container_record
from sysdig_py.schema.record import Record
from sysdig_py.trace.scap.cursor import Cursor, LayoutError
from sysdig_py.trace.scap.facts import Facts

BINARY: Final = 228
JSON: Final = frozenset({272, 324})
# of a look-up that went on, or failed, nobody is told
_SUCCESSFUL: Final = 1
_OLD_COUNTS: Final = {BINARY: 4}

_TYPES: Final = {
    0: "docker", 1: "lxc", 2: "libvirt-lxc", 3: "mesos", 4: "rkt", 5: "custom", 6: "cri", 7: "containerd", 8: "cri-o",
    9: "bpm", 10: "static", 11: "podman",
}  # fmt: skip


class Told(NamedTuple):
    """What a container event tells: a CONTAINER record (b"": nothing), and whether the event is to be seen."""

    record: bytes = b""
    shown: bool = True


def told(kind: int, data: bytes, width: int, count: int | None) -> Told:
    """Return what one container event tells.

    Args:
        kind: event type.
        data: lengths and parameters.
        width: bytes of a length.
        count: number of parameters, None when the block does not tell.

    Raises:
        LayoutError: the event is malformed.
    """
    params = _params(data, width, _OLD_COUNTS.get(kind, 1) if count is None else count)
    info = _from_binary(params) if kind == BINARY else _from_json(params)
    if not info:
        return Told()
    return Told(container_record(info), info.details.get("lookup_state", _SUCCESSFUL) == _SUCCESSFUL)


def _params(data: bytes, width: int, count: int) -> list[bytes]:
    cursor = Cursor(memoryview(data))
    lengths = cursor.values(f"{count}{'I' if width == 4 else 'H'}")
    return [cursor.raw(length) for length in lengths]


def _text(raw: bytes) -> str:
    return raw.split(b"\0")[0].decode("utf-8", "replace")


def _from_binary(params: list[bytes]) -> ContainerInfo | None:
    if len(params) < 4 or len(params[1]) != 4:
        raise LayoutError("a container event without its parameters")
    number = struct.unpack("<I", params[1])[0]
    full_id = _text(params[0])
    return ContainerInfo(full_id, full_id, _TYPES.get(number, ""), _text(params[2]), _text(params[3]))


def _from_json(params: list[bytes]) -> ContainerInfo | None:
    try:
        facts = json.loads(_text(params[0])) if params else {}
    except ValueError:
        return None
    container = facts.get("container") if isinstance(facts, dict) else None
    if not isinstance(container, dict) or not isinstance(container.get("id"), str):
        return None
    return _info(container)


def _info(facts: dict[str, Any]) -> ContainerInfo:
    def text(key: str) -> str:
        value = facts.get(key)
        return value if isinstance(value, str) else ""

    labels = facts.get("labels")
    return ContainerInfo(
        id=text("id"),
        full_id=text("full_id") or text("id"),
        type=_TYPES.get(kind, "") if isinstance(kind := facts.get("type"), int) else "",
        name=text("name"),
        image=text("image"),
        image_id=text("imageid"),
        image_repo=text("imagerepo"),
        image_tag=text("imagetag"),
        image_digest=text("imagedigest"),
        ip=text("ip"),
        privileged=facts.get("privileged") is True,
        labels={str(key): str(value) for key, value in labels.items()} if isinstance(labels, dict) else {},
        details={key: value for key, value in facts.items() if key not in _PLAIN},
    )


_PLAIN: Final = frozenset(
    {"id", "full_id", "type", "name", "image", "imageid", "imagerepo", "imagetag", "imagedigest", "ip", "privileged"}
    | {"labels"}
)


def event_text(record: Record) -> str:
    """Return the JSON text of the container event that tells what a CONTAINER record tells."""
    facts = Facts(record)

    def text(name: str) -> str:
        return facts.text(name).decode("utf-8", "replace")

    labels = [item.partition("=") for item in _list(facts.raw("labels"))]
    container: dict[str, Any] = {name: text(name) for name in ("id", "full_id", "name", "image", "ip")}
    container |= {name.replace("_", ""): text(name) for name in ("image_id", "image_repo", "image_tag", "image_digest")}
    container["type"] = _NUMBERS.get(text("type"), _CUSTOM)
    container["privileged"] = bool(facts.number("privileged"))
    container["labels"] = {key: value for key, _, value in labels}
    container["lookup_state"] = _SUCCESSFUL
    return json.dumps({"container": container | _details(text("json"))}, separators=(",", ":"), ensure_ascii=True)


_CUSTOM: Final = 5
_NUMBERS: Final = {name: number for number, name in _TYPES.items()}


def _list(raw: bytes) -> list[str]:
    return [item.decode("utf-8", "replace") for item in raw.split(b"\0") if item]


def _details(text: str) -> dict[str, Any]:
    try:
        details = json.loads(text) if text else {}
    except ValueError:
        return {}
    return details if isinstance(details, dict) else {}
