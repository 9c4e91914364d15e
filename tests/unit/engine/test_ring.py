import ctypes
import mmap
import os
import struct
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sysdig_py.engine.vm import Engine, EngineFault, Status
from sysdig_py.schema.state import State
from tests.lua_probe import Probe
from tests.synthetic import Stream, record

PAGE = mmap.PAGESIZE
BUSY, DISCARD = 1 << 31, 1 << 30
_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
MAP_SHARED, MAP_FIXED, READ_WRITE = 1, 16, 3


@dataclass
class View:
    consumer: int
    producer: int
    data: int
    size: int


class Ring:
    """A ring as the kernel lays it out: consumer page, producer page, data mapped twice."""

    def __init__(self, size=16 * PAGE):
        self.fd = os.memfd_create("ring")
        os.ftruncate(self.fd, 2 * PAGE + size)
        self.length = 2 * PAGE + 2 * size
        base = _libc.mmap(None, self.length, READ_WRITE, MAP_SHARED, self.fd, 0)
        again = _libc.mmap(base + 2 * PAGE + size, size, READ_WRITE, MAP_SHARED | MAP_FIXED, self.fd, 2 * PAGE)
        assert again == base + 2 * PAGE + size
        self.view = View(base, base + PAGE, base + 2 * PAGE, size)
        self.head = 0

    def close(self):
        _libc.munmap(self.view.consumer, self.length)
        os.close(self.fd)

    def put(self, record, flags=0):
        at = self.view.data + self.head % self.view.size
        ctypes.memmove(at, struct.pack("<II", len(record) | flags, 0) + record, 8 + len(record))
        self.head += -(-(8 + len(record)) // 8) * 8
        ctypes.c_uint64.from_address(self.view.producer).value = self.head
        return at

    def commit(self, at):
        ctypes.c_uint32.from_address(at).value &= ~BUSY

    @property
    def consumed(self):
        return ctypes.c_uint64.from_address(self.view.consumer).value


@pytest.fixture
def ring():
    made = Ring()
    yield made
    made.close()


@pytest.fixture
def probe(ring):
    made = Probe(Engine(is_live=True))
    made.engine.open_rings([ring.view])
    made.note("ev.num .. ':' .. ev.res")
    return made


def read(res):
    return Stream().event("SYSCALL_READ_X", 5, res=res, data=b"some bytes", fd=3).take()


def test_an_empty_ring_is_ok(probe):
    assert probe.engine.drain(100) == (Status.OK, 0, 0, b"")


def test_records_are_walked_and_given_back(probe, ring):
    for i in range(3):
        ring.put(read(i))
    assert probe.engine.drain(100) == (Status.OK, 3, 0, b"")
    assert probe.noted() == ["1:0", "2:1", "3:2"]
    assert ring.consumed == ring.head


def test_a_busy_record_holds_the_rest(probe, ring):
    ring.put(read(1))
    busy = ring.put(read(2), BUSY)
    ring.put(read(3))
    assert probe.engine.drain(100).consumed == 1
    ring.commit(busy)
    assert probe.engine.drain(100).consumed == 2
    assert probe.noted() == ["1:1", "2:2", "3:3"]


def test_discarded_and_damaged_records_are_passed_over(probe, ring):
    ring.put(read(1), DISCARD)
    ring.put(b"\1\2\3\4" * 20)
    ring.put(b"short")
    ring.put(read(2))
    probe.engine.drain(100)
    assert probe.noted() == ["1:2"]
    assert probe.engine.stats()["malformed"] == 2
    assert ring.consumed == ring.head


def test_the_limit_is_kept(probe, ring):
    for i in range(5):
        ring.put(read(i))
    assert probe.engine.drain(2) == (Status.MORE, 2, 0, b"")
    assert probe.engine.drain(100).consumed == 3


def test_the_ring_goes_round(probe, ring):
    expected = 0
    for turn in range(50):
        for i in range(40):
            ring.put(read(turn * 40 + i))
            expected += 1
        assert probe.engine.drain(1000).consumed == 40
    assert [line.split(":")[1] for line in probe.noted()] == [str(i) for i in range(expected)]
    assert ring.head > 2 * ring.view.size


def test_a_new_cgroup_stops_the_drain(probe, ring):
    ring.put(Stream().state(State.CGROUP_MKDIR, cgroup_id=4711, path="/docker/z").take())
    ring.put(read(1))
    assert probe.engine.drain(100) == (Status.CGROUP, 1, 4711, b"/docker/z")
    probe.feed(Stream().state(State.CGROUP, cgroup_id=4711, path="/docker/z", container_id="z"))
    assert probe.engine.drain(100) == (Status.OK, 1, 0, b"")
    assert probe.value("containers.by_cgroup[4711].id") == b"z"


def test_a_full_trace_buffer_leaves_the_record_in_the_ring(ring):
    engine = Engine(is_live=True)
    engine.open_rings([ring.view])
    engine.write_records(300)
    sent = [read(i) for i in range(10)]
    for one in sent:
        ring.put(one)
    got = b""
    while (step := engine.drain(100)).status is Status.FULL:
        got += engine.take_records().data
    assert step.status is Status.OK
    assert got + engine.take_records().data == b"".join(sent)


def test_a_limit_on_events_leaves_the_rest(probe, ring):
    probe.engine.set_limits(2)
    for i in range(5):
        ring.put(read(i))
    assert probe.engine.drain(100) == (Status.STOP, 2, 0, b"")
    assert probe.engine.drain(100) == (Status.STOP, 0, 0, b"")
    assert probe.noted() == ["1:0", "2:1"]


def test_a_failing_sink_costs_its_event_only(probe, ring):
    probe.lua("require('walk').add_sink{ on_event = function() if ev.num == 2 then error('bad') end end }")
    for i in range(4):
        ring.put(read(i))
    with pytest.raises(EngineFault, match="bad"):
        probe.engine.drain(100)
    assert probe.engine.drain(100).consumed == 2
    assert probe.noted() == ["1:0", "2:1", "3:2", "4:3"]


def test_the_last_event_outlives_its_place_in_the_ring(probe, ring):
    ring.put(read(1))
    probe.engine.drain(100)
    ctypes.memset(ring.view.data, 0xFF, ring.view.size)
    assert probe.value("decode.bytes(1)") == b"some bytes"


def test_a_drain_without_ring_is_refused():
    with pytest.raises(EngineFault, match="without a ring"):
        Engine().drain(1)


@pytest.fixture
def three():
    rings = [Ring() for _ in range(3)]
    yield rings
    for made in rings:
        made.close()


def at(ts):
    return record("SYSCALL_READ_X", {"res": ts, "data": b"x", "fd": 3}, ts=ts, tid=5)


def several(rings):
    made = Probe(Engine(is_live=True))
    made.engine.open_rings([ring.view for ring in rings])
    made.note("ev.res")
    return made


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 300)), max_size=60), st.integers(1, 9))
@settings(max_examples=60)
def test_several_rings_are_walked_by_time(events, limit):
    rings = [Ring() for _ in range(3)]
    try:
        probe = several(rings)
        for which, ts in sorted(events, key=lambda event: event[1]):
            rings[which].put(at(ts))
        while probe.engine.drain(limit).status is Status.MORE:
            pass
        assert probe.noted() == [str(ts) for ts in sorted(ts for _, ts in events)]
        assert [ring.consumed for ring in rings] == [ring.head for ring in rings]
    finally:
        for ring in rings:
            ring.close()


def test_what_is_too_young_waits_for_the_other_rings(three):
    probe = several(three)
    three[0].put(at(10))
    three[0].put(at(30))
    assert probe.engine.drain(100, 20) == (Status.OK, 1, 0, b"")
    three[1].put(at(25))
    assert probe.engine.drain(100, 40).consumed == 2
    assert probe.noted() == ["10", "25", "30"]


def test_a_busy_record_in_one_ring_holds_all(three):
    probe = several(three)
    busy = three[1].put(at(5), BUSY)
    three[0].put(at(10))
    assert probe.engine.drain(100) == (Status.OK, 0, 0, b"")
    three[1].commit(busy)
    assert probe.engine.drain(100).consumed == 2
    assert probe.noted() == ["5", "10"]


def test_damage_in_one_of_several_rings_is_passed_over(three):
    probe = several(three)
    three[0].put(b"\xff" * 80)
    three[2].put(at(7))
    probe.engine.drain(100)
    assert probe.noted() == ["7"]
    assert probe.engine.stats()["malformed"] == 1
    assert three[0].consumed == three[0].head
