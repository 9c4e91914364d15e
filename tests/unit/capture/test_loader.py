import os
import struct
from pathlib import Path

import pytest

from sysdig_py.capture import bpf, loader
from sysdig_py.capture.handlers import TELLING
from sysdig_py.capture.image import CONSTANT_BASE, LAST_CHANCE, Constant, Image, MapSpec

WIDE = struct.Struct("<BBhiBBhi")
CODE = WIDE.pack(0x18, 0x11, 0, 1, 0, 0, 0, 0) + WIDE.pack(0x18, 1, 0, CONSTANT_BASE + Constant.SNAPLEN, 0, 0, 0, 0)
IMAGE = Image(
    (MapSpec("small", 2, 4, 8, 1, 0), MapSpec("ring", 27, 0, 0, 4096, 0)),
    {"on_a": CODE, "on_b": CODE, "handle_c": CODE},
    ("a", "b"),
)


class Kernel:
    """Hands out real descriptors, so that what is left open shows."""

    def __init__(self, monkeypatch, refused=""):
        self.refused, self.maps, self.programs, self.links, self.open = refused, [], {}, {}, set()
        for name in ("create_map", "load_program", "attach", "attach_event"):
            monkeypatch.setattr(bpf, name, getattr(self, name))

    def _descriptor(self):
        fd = os.open(os.devnull, os.O_RDONLY)
        self.open.add(fd)
        return fd

    def left(self):
        return {fd for fd in self.open if Path(f"/proc/self/fd/{fd}").exists()}

    def create_map(self, *spec):
        self.maps.append(spec)
        return self._descriptor()

    def load_program(self, name, code, kind):
        if name == self.refused:
            raise bpf.Refused(13, "no")
        self.programs[name if kind == bpf.RAW_TRACEPOINT else f"{name} for events"] = code
        return self._descriptor()

    def attach_event(self, event, program):
        self.links[event] = program

    def attach(self, tracepoint, program):
        self.links[tracepoint] = program
        return self._descriptor()


def test_programs_get_the_maps_and_constants_of_this_run(monkeypatch):
    kernel = Kernel(monkeypatch)
    loaded = loader.Loaded(IMAGE, {Constant.SNAPLEN: 4321}, {"ring": 8192})
    assert kernel.maps == [(2, 4, 8, 1, 0, "small", 0), (27, 0, 0, 8192, 0, "ring", 0)]
    words = WIDE.iter_unpack(kernel.programs["on_a"])
    assert [word[3] for word in words] == [loaded.map_fd("ring"), 4321]
    loaded.close()


def test_more_rings_are_made_and_entered_in_the_map_of_rings(monkeypatch):
    kernel, entered = Kernel(monkeypatch), {}
    monkeypatch.setattr(bpf, "update", lambda fd, key, value: entered.update({key: int.from_bytes(value, "little")}))
    image = Image((*IMAGE.maps, MapSpec("rings", bpf.ARRAY_OF_MAPS, 4, 4, 64, 0)), {}, ())
    loaded = loader.Loaded(image, {Constant.RING_COUNT: 3}, {"ring": 8192})
    assert loaded.ring_fds[0] == loaded.map_fd("ring")
    assert entered == dict(enumerate(loaded.ring_fds)) and len(entered) == 3
    assert kernel.maps[2][-1] == loaded.map_fd("ring"), "a map of maps is made from the kind it holds"
    assert {spec[:4] for spec in kernel.maps if spec[0] == bpf.RINGBUF} == {(27, 0, 0, 8192)}
    loaded.close()
    assert not kernel.left()


def test_only_tracepoints_are_attached_and_all_is_given_back(monkeypatch):
    kernel = Kernel(monkeypatch)
    loaded = loader.Loaded(IMAGE, {}, {})
    before = kernel.left()
    assert len(before) == 5
    loaded.attach()
    assert kernel.links == {"a": loaded.program_fd("on_a"), "b": loaded.program_fd("on_b")}
    loaded.detach()
    assert kernel.left() == before
    loaded.close()
    assert not kernel.left()


def test_a_refusal_leaves_nothing_open(monkeypatch):
    kernel = Kernel(monkeypatch, refused="handle_c")
    with pytest.raises(bpf.Refused):
        loader.Loaded(IMAGE, {}, {})
    assert len(kernel.open) == 4
    assert not kernel.left()


def test_a_program_for_single_calls_goes_on_with_programs_of_its_own_kind(monkeypatch):
    kernel, entered = Kernel(monkeypatch), {}
    monkeypatch.setattr(bpf, "update", lambda fd, key, value: entered.update({(fd, key): value}))
    maps = (*IMAGE.maps, MapSpec("handlers", 3, 4, 4, 32, 0))
    code = WIDE.pack(0x18, 0x11, 0, 2, 0, 0, 0, 0)
    image = Image(maps, dict.fromkeys(("on_a", LAST_CHANCE, *TELLING), code), ("a",))
    event = kernel._descriptor()
    loaded = loader.Loaded(image, {}, {}, events=[event])
    words = {name: WIDE.unpack(made)[3] for name, made in kernel.programs.items()}
    assert words["on_a"] == words["handle_fd"] == loaded.map_fd("handlers")
    other = words[f"{LAST_CHANCE} for events"]
    assert other != loaded.map_fd("handlers")
    assert {words[f"{name} for events"] for name in TELLING} == {other}
    assert {at for at, _ in entered} == {other} and {key for _, key in entered} == set(TELLING.values())
    assert LAST_CHANCE not in kernel.programs
    loaded.attach()
    assert kernel.links[event] == loaded.program_fd(LAST_CHANCE) in loaded.entry_fds
    loaded.detach()
    assert event not in kernel.left()
    loaded.close()
    assert not kernel.left()


def test_a_refusal_closes_the_single_calls_too(monkeypatch):
    kernel = Kernel(monkeypatch, refused="handle_c")
    with pytest.raises(bpf.Refused):
        loader.Loaded(IMAGE, {}, {}, events=[kernel._descriptor()])
    assert not kernel.left()
