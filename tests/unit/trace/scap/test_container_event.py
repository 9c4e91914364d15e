import json
import struct

import pytest

from sysdig_py.engine.vm import Engine
from sysdig_py.trace.scap import container_event
from sysdig_py.trace.scap.cursor import LayoutError
from tests.lua_probe import Probe


def packed(*params: bytes, width: str = "H") -> bytes:
    return struct.pack(f"<{len(params)}{width}", *map(len, params)) + b"".join(params)


def known(record: bytes, field: str) -> object:
    probe = Probe(Engine(dialect="0293"))
    probe.engine.feed_bytes(record)
    return probe.value(f"containers.by_id['c0ffee'].{field}")


def test_json_tells_what_there_is_to_know():
    facts = {"id": "c0ffee", "type": 0, "name": "web", "image": "nginx", "labels": {"a": "b"}, "privileged": True}
    data = packed(json.dumps({"container": facts}).encode() + b"\0", width="I")
    record, shown = container_event.told(324, data, 4, 1)
    assert shown
    assert [known(record, f) for f in ("type", "name", "image", "privileged")] == [b"docker", b"web", b"nginx", True]
    assert known(record, "labels.a") == b"b"


@pytest.mark.parametrize(("state", "shown"), [(0, False), (1, True), (2, False)])
def test_a_look_up_that_told_nothing_is_not_shown(state: int, shown: bool):
    data = packed(json.dumps({"container": {"id": "c0ffee", "lookup_state": state}}).encode())
    assert container_event.told(272, data, 2, None).shown is shown


def test_the_old_binary_form():
    data = packed(b"c0ffee\0", struct.pack("<I", 1), b"web\0", b"busybox\0")
    record = container_event.told(228, data, 2, None).record
    assert [known(record, f) for f in ("type", "name", "image")] == [b"lxc", b"web", b"busybox"]


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"container": 3}', b'{"container": {"id": 3}}'])
def test_json_that_tells_nothing(text: bytes):
    assert container_event.told(272, packed(text), 2, 1) == container_event.Told()


def test_a_type_that_is_no_number():
    record = container_event.told(272, packed(b'{"container": {"id": "c0ffee", "type": []}}'), 2, 1).record
    assert known(record, "type") == b""


def test_lengths_that_do_not_fit():
    with pytest.raises(LayoutError):
        container_event.told(272, b"\xff\xff..", 2, 1)
    with pytest.raises(LayoutError):
        container_event.told(228, packed(b"id\0", b"", b"", b""), 2, 4)
