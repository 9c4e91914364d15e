import struct

from sysdig_py.engine.vm import Status
from sysdig_py.schema.state import State
from tests.lua_probe import Probe
from tests.synthetic import Stream

FLAGS, SKIPPED, TYPE = 4, 22, 52


def split(data):
    parts = []
    while data:
        size = struct.unpack_from("<I", data)[0]
        parts.append(data[:size])
        data = data[size:]
    return parts


def sample():
    stream = Stream().thread(5)
    for i in range(4):
        stream.event("SYSCALL_OPEN_X", 5, fd=i, name=f"/{i}").event("SYSCALL_READ_X", 5, res=i, fd=i)
    return stream.take()


def numbers_seen(data, expression="ev.num .. ev.name"):
    probe = Probe()
    probe.note(expression)
    probe.engine.feed_bytes(data)
    return probe.noted()


def test_without_filter_records_are_copied_as_they_are():
    probe = Probe()
    probe.engine.write_records(1 << 16)
    data = sample()
    probe.engine.feed_bytes(data)
    records = probe.engine.take_records()
    assert records.data == data
    assert records.number == 9
    assert records.last_ts - records.first_ts == 7000
    assert probe.engine.take_records() == (b"", 0, 0, 0)
    assert probe.engine.stats()["delivered"] == 8


def test_the_copying_path_leaves_processes_alone():
    probe = Probe()
    probe.engine.write_records(1 << 16)
    probe.feed(Stream().event("SYSCALL_READ_X", 5, res=1))
    assert probe.engine.stats()["threads"] == 0


def test_a_sink_sees_the_same_with_and_without_writing():
    probe = Probe()
    probe.note("ev.num .. ev.name")
    probe.engine.write_records(1 << 16)
    data = sample()
    probe.engine.feed_bytes(data)
    assert probe.noted() == numbers_seen(data)
    assert probe.engine.take_records().data == data


def test_a_filtered_trace_keeps_state_and_numbers():
    probe = Probe()
    probe.filter("ev.name == 'read' and ev.num > 4")
    probe.note("ev.num .. ev.name .. ev.fd.name")
    probe.engine.write_records(1 << 16)
    probe.engine.feed_bytes(sample())
    written = probe.engine.take_records().data
    kinds = [(struct.unpack_from("<H", r, TYPE)[0], r[FLAGS] & 1, r[SKIPPED]) for r in split(written)]
    assert kinds == [(0xF001, 1, 0), (3, 1, 0), (3, 1, 1), (3, 1, 1), (7, 0, 0), (3, 1, 0), (7, 0, 0)]
    assert numbers_seen(written, "ev.num .. ev.name .. ev.fd.name") == probe.noted() == ["6read/2", "8read/3"]


def test_a_trace_filtered_twice_keeps_its_numbers():
    def filtered(data, condition):
        probe = Probe()
        probe.filter(condition)
        probe.engine.write_records(1 << 20)
        probe.engine.feed_bytes(data)
        return probe.engine.take_records().data

    stream = Stream()
    for i in range(30):
        stream.event("SYSCALL_READ_X", 5, res=i)
    once = filtered(stream.take(), "ev.num % 2 == 0")
    assert numbers_seen(filtered(once, "ev.num % 3 == 0"), "ev.num") == ["6", "12", "18", "24", "30"]


def test_more_left_out_than_a_record_can_tell():
    probe = Probe()
    probe.filter("ev.num == 1 or ev.num > 70000")
    probe.engine.write_records(1 << 16)
    record = Stream().event("SYSCALL_READ_X", 5, res=1).take()
    probe.engine.feed_bytes(record * 70001)
    written = probe.engine.take_records()
    assert [struct.unpack_from("<H", r, TYPE)[0] for r in split(written.data)] == [7, int(State.SKIP), 7]
    assert written.number == 3
    assert numbers_seen(written.data, "ev.num") == ["1", "70001"]


def test_skip_records_of_the_source_are_folded():
    probe = Probe()
    probe.filter("ev.num > 100")
    probe.engine.write_records(1 << 16)
    read = Stream().event("SYSCALL_READ_X", 5, res=1).take()
    probe.engine.feed_bytes(read + Stream().state(State.SKIP, count=200).take() + read)
    written = probe.engine.take_records().data
    assert numbers_seen(written, "ev.num") == ["202"]
    assert [r[FLAGS] for r in split(written)] == [1, 0]


def test_a_full_buffer_stops_the_walk_where_it_can_go_on():
    for sink in (False, True):
        probe = Probe()
        if sink:
            probe.note("ev.num")
        probe.engine.write_records(512)
        data, got, offset, stops = sample() * 5, b"", 0, 0
        while offset < len(data):
            step = probe.engine.feed_bytes(data, offset)
            offset += step.consumed
            got += probe.engine.take_records().data
            stops += step.status is Status.FULL
        assert got == data
        assert stops > 3
        if sink:
            assert len(probe.noted()) == 40


def test_a_record_larger_than_the_buffer_is_copied():
    probe = Probe()
    probe.engine.write_records(256)
    data = Stream().event("SYSCALL_WRITE_X", 5, res=1, data=b"z" * 100_000, fd=1).take()
    step = probe.engine.feed_bytes(data)
    assert step == (Status.OK, len(data), 0, b"")
    assert probe.engine.take_records().data == data


def test_state_known_before_a_sink_came():
    probe = Probe()
    probe.engine.write_records(1 << 16)
    probe.feed(Stream().thread(5, comm="early"))
    probe.note("ev.thread.comm")
    probe.feed(Stream().event("SYSCALL_READ_X", 5, res=1))
    assert probe.noted() == ["early"]


def test_relative_times_survive_a_filter():
    probe = Probe()
    probe.filter("ev.num == 3")
    probe.note("ev.num .. ':' .. ev.rel")
    probe.engine.write_records(1 << 16)
    stream = Stream()
    for i in range(4):
        stream.event("SYSCALL_READ_X", 5, res=i)
    probe.feed(stream)
    written = probe.engine.take_records().data
    assert numbers_seen(written, "ev.num .. ':' .. ev.rel") == probe.noted() == ["3:2000"]
