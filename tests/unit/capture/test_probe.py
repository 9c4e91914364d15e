import struct
from dataclasses import replace

import pytest

from sysdig_py.capture import bpf, headers, image_cache, judge_code, probe
from sysdig_py.capture.cgroups import Hierarchy
from sysdig_py.capture.demand import Consumer, Demand
from sysdig_py.capture.image import Constant, Image
from sysdig_py.capture.options import MAX_SNAPLEN, LiveOptions
from sysdig_py.capture.pushdown import Pushdown, push_down
from sysdig_py.errors import EnvironmentLack

HIERARCHY = Hierarchy(2, "/sys/fs/cgroup", "", 0)
IMAGE = Image((), {"on_x": b"\x95" + bytes(7)}, ("x",))
TYPED = Image((), {"on_x": b"\x95" + bytes(6) + b"\1"}, ("x",))


@pytest.mark.parametrize("snaplen", [0, 80, 4000, MAX_SNAPLEN])
def test_sizes_leave_room_for_what_is_copied(snaplen):
    made = probe._sizes(LiveOptions(snaplen=snaplen), 2)
    mask, limit, slack = (int(made[name]) for name in ("COPY_MASK", "SCRATCH_LIMIT", "SCRATCH_SLACK"))
    assert mask >= snaplen and mask & (mask + 1) == 0
    assert limit & (limit - 1) == 0
    assert slack >= 2 * mask
    assert limit > snaplen + 1024


@pytest.mark.parametrize("rings", [1, 4])
def test_the_cpus_of_a_ring_together_wake_the_reader_before_it_is_full(rings):
    made = probe._constants(LiveOptions(), 1 << 20, rings, 8, 5)
    assert 0 < made[Constant.WAKE_BYTES] * (8 // rings) <= 1 << 20
    assert (made[Constant.RING_COUNT], made[Constant.CLOCK_OFFSET]) == (rings, 5)
    assert {*made, *Pushdown().constants, Constant.LATENCY} == set(Constant)


def test_the_key_changes_with_what_the_image_is_made_from(monkeypatch):
    def key(hierarchy=HIERARCHY, **options):
        return probe.image_key("x86_64", hierarchy, probe._sizes(LiveOptions(**options), 2))

    first = key()
    assert first == key(ring_bytes=1 << 20) == key(snaplen=100), "the run's own values are no part of it"
    assert first == key(latency=False)
    assert first != key(snaplen=5000)
    assert first != probe.image_key("x86_64", HIERARCHY, probe._sizes(LiveOptions(), 2, rings=2))
    assert first != key(replace(HIERARCHY, version=1, controller="pids", hierarchy_id=3))
    monkeypatch.setattr(headers, "build_id", lambda: "other")
    assert first != key()


def test_the_key_changes_with_the_source(monkeypatch):
    sizes = probe._sizes(LiveOptions(), 2)
    first = probe.image_key("x86_64", HIERARCHY, sizes)
    monkeypatch.setattr(probe.probe_source, "join", lambda _folder: "int other;")
    assert probe.image_key("x86_64", HIERARCHY, sizes) != first


class Kernel:
    """Stands for the kernel: takes an image unless it is one of those it refuses."""

    def __init__(self, monkeypatch, tmp_path, refused):
        self.refused, self.compiled = refused, 0
        monkeypatch.setattr(image_cache.locations, "cache", lambda: tmp_path)
        monkeypatch.setattr(probe, "Loaded", self.load)
        monkeypatch.setattr(probe, "_compile", self.compile)

    def load(self, image, _constants, _entries, hooks, _without, _events):
        assert set(hooks) == {judge_code.HOOK_FILTER, judge_code.HOOK_SNAPLEN}
        if image in self.refused:
            error = bpf.Refused(13, "program on_x: Permission denied")
            error.log = "R1 invalid mem access"
            raise error
        return image

    def compile(self, *_what, typed_reads):
        self.compiled += 1
        return TYPED if typed_reads else IMAGE

    def start(self):
        made = object.__new__(probe.Probe)
        made._arch, made._cpus, made._pushdown = "x86_64", 2, Pushdown()
        return made._load(LiveOptions(), HIERARCHY, 1 << 20, 1)


def test_the_second_start_compiles_nothing(monkeypatch, tmp_path):
    kernel = Kernel(monkeypatch, tmp_path, [])
    assert kernel.start() == TYPED
    assert kernel.start() == TYPED
    assert kernel.compiled == 1


def test_where_the_kernel_refuses_plain_loads_of_its_memory_helpers_read_it(monkeypatch, tmp_path):
    kernel = Kernel(monkeypatch, tmp_path, [TYPED])
    assert kernel.start() == IMAGE
    assert kernel.start() == IMAGE
    assert kernel.compiled == 2, "that is remembered"


def test_a_refused_image_is_compiled_again_and_replaced(monkeypatch, tmp_path):
    old = Image((), {"on_x": struct.pack("<Q", 7)}, ("x",))
    kernel = Kernel(monkeypatch, tmp_path, [old])
    key = probe.image_key("x86_64", HIERARCHY, probe._sizes(LiveOptions(), 2))
    image_cache.keep(key, old)
    assert kernel.start() == TYPED
    assert image_cache.find(key) == TYPED


def test_what_the_kernel_refuses_is_told_and_not_kept(monkeypatch, tmp_path):
    kernel = Kernel(monkeypatch, tmp_path, [TYPED, IMAGE])
    with pytest.raises(EnvironmentLack, match=r"does not load into this kernel.*Permission denied"):
        kernel.start()
    assert not list(tmp_path.glob("*.image"))
    assert "invalid mem access" in (tmp_path / "probe-failure.log").read_text()


@pytest.mark.parametrize(
    ("allowed", "asked", "needed", "has_single", "entered", "events"),
    [
        (True, True, False, True, 1, ()),
        (True, False, False, True, 0, [7]),
        (True, False, True, True, 1, ()),
        (True, False, False, False, 1, ()),
        (False, True, False, True, 0, [7]),
        (False, False, False, False, 0, ()),
    ],
)
def test_entries_are_looked_at_where_somebody_asks_or_nothing_else_tells(
    monkeypatch, allowed, asked, needed, has_single, entered, events
):
    def open_entries(calls):
        assert calls == ["close"]
        if not has_single:
            raise FileNotFoundError(2, "no tracefs")
        return [7]

    taken = []
    monkeypatch.setattr(probe.single_calls, "open_entries", open_entries)
    monkeypatch.setattr(probe, "Loaded", lambda _image, constants, *rest: taken.append((constants, *rest[2:])))
    image = Image((), {}, ("sys_enter", "sys_exit"), needed, ("close",))
    probe._loaded(image, LiveOptions(latency=allowed), {}, {}, Pushdown(latency=asked))
    ((constants, without, opened),) = taken
    assert (constants[Constant.LATENCY], list(opened)) == (entered, list(events))
    assert ("sys_enter" in without) is not bool(entered)


def test_what_the_kernel_cannot_do_without_entries_is_told():
    image = Image((), {}, (), needs_entries=True)
    with pytest.raises(EnvironmentLack, match="bpf_task_pt_regs"):
        probe._loaded(image, LiveOptions(latency=False), {}, {}, Pushdown())


def test_what_a_close_closes_is_looked_at_only_where_somebody_sees_the_close(monkeypatch):
    opened = []
    monkeypatch.setattr(probe.single_calls, "open_entries", lambda calls: opened.append(list(calls)) or [])
    monkeypatch.setattr(probe, "Loaded", lambda *_: None)
    for text in ("", "evt.type=close", "proc.name=cat", "evt.type=mount"):
        pushdown = push_down(Demand(Consumer("filter", text), latency=""), probe.kernel.machine())
        for calls in (("close",), ("close", "exit")):
            probe._loaded(Image((), {}, (), last_chances=calls), LiveOptions(), {}, {}, pushdown)
    assert opened == [["close"], ["close", "exit"]] * 3 + [["exit"]]
