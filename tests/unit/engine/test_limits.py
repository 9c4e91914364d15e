import pytest

from sysdig_py.engine.vm import Status
from tests.lua_probe import Probe
from tests.synthetic import Stream


def reads(count, step=1000):
    stream = Stream(step=step)
    for _ in range(count):
        stream.event("SYSCALL_READ_X", 5, res=1)
    return stream.take()


@pytest.mark.parametrize("writing", [False, True])
def test_so_many_delivered_events(writing):
    probe = Probe()
    if writing:
        probe.engine.write_records(1 << 16)
    else:
        probe.note("ev.num")
    probe.engine.set_limits(3, 0)
    data = reads(5)
    step = probe.engine.feed_bytes(data)
    assert step == (Status.STOP, len(data) // 5 * 3, 0, b"")
    assert probe.engine.stats()["delivered"] == 3
    assert probe.engine.feed_bytes(data) == (Status.STOP, 0, 0, b"")


def test_rejected_events_do_not_count():
    probe = Probe()
    probe.note("ev.num")
    probe.filter("ev.num > 2")
    probe.engine.set_limits(2, 0)
    probe.engine.feed_bytes(reads(9))
    assert probe.noted() == ["3", "4"]


@pytest.mark.parametrize("writing", [False, True])
def test_seconds_count_from_the_first_delivered_event(writing):
    probe = Probe()
    probe.note("ev.num")
    probe.filter("ev.num > 2")
    if writing:
        probe.engine.write_records(1 << 16)
    probe.engine.set_limits(0, 4.0)
    data = reads(9, step=10**9)
    assert probe.engine.feed_bytes(data).status is Status.STOP
    assert probe.noted() == ["3", "4", "5", "6"]


def test_seconds_on_the_copying_path():
    probe = Probe()
    probe.engine.write_records(1 << 16)
    probe.engine.set_limits(0, 2.5)
    assert probe.engine.feed_bytes(reads(9, step=10**9)).status is Status.STOP
    assert probe.engine.take_records().number == 3


def test_a_sink_can_end_the_run():
    probe = Probe()
    probe.lua("require('walk').add_sink{ on_event = function() if ev.num == 2 then require('host').stop() end end }")
    data = reads(5)
    assert probe.engine.feed_bytes(data) == (Status.STOP, len(data) // 5 * 2, 0, b"")
