"""What OVERHEAD records do: one line for each step, counts beside those of the events that came."""

import re
import struct

import pytest

from sysdig_py.engine.vm import Engine, HostCallbacks
from sysdig_py.output.summary import Summary
from sysdig_py.schema.state import LEFT_OUT, State
from tests.lua_probe import Probe
from tests.synthetic import START, Stream, by_id, record

READ = by_id()["SYSCALL_READ_X"].code
GENERIC = 1


class Told:
    def __init__(self):
        self.lines = []
        self.engine = Engine(host=HostCallbacks(notice=self.lines.append))

    def feed(self, *records):
        self.engine.feed_bytes(b"".join(records))
        return self


def overhead(step, one_in=1, programs=300_000, own=80_000, limit=50_000, calls=(), ts=START):
    packed = b"".join(struct.pack(LEFT_OUT, *entry) for entry in calls)
    values = {"step": step, "one_in": one_in, "programs": programs, "own": own, "limit": limit, "calls": packed}
    return record("STATE_OVERHEAD", values, ts=ts, flags=1)


def test_each_step_is_told_once_with_the_figures_and_what_it_leaves_out():
    told = Told().feed(overhead(1), overhead(1), overhead(2, programs=100_000, own=1_500), overhead(3, 10))
    assert [re.sub(r"^\d\d:\d\d:\d\d ", "", line) for line in told.lines] == [
        "overhead 38.0%, limit 5%: step 1 of 4, data of reads and writes is left out",
        "overhead 10.2%, limit 5%: step 2 of 4, arguments of reads, waits and the like are left out, too",
        "overhead 38.0%, limit 5%: step 3 of 4, of reads, writes, waits and the like one in 10 is recorded,"
        " the others are counted",
    ]
    assert all(re.match(r"\d\d:\d\d:\d\d overhead", line) for line in told.lines)


def test_another_rate_is_another_step_and_the_way_back_is_called_so():
    told = Told().feed(overhead(3, 10), overhead(3, 100), overhead(3, 10), overhead(2), overhead(0, programs=0))
    assert ["back to" in line for line in told.lines] == [False, False, True, True, True]
    assert told.lines[-1].endswith("back to step 0 of 4, everything is recorded")


def test_a_limit_that_cannot_be_kept_is_told_once():
    told = Told().feed(overhead(4, 0), overhead(4, 0), overhead(4, 0))
    assert len(told.lines) == 2
    assert told.lines[1].endswith("there is nothing more to leave out")
    assert len(Told().feed(overhead(4, 0), overhead(4, 0, programs=1)).lines) == 2, "the own share alone is too much"
    assert len(Told().feed(overhead(4, 0), overhead(4, 0, programs=1, own=1)).lines) == 1


def test_what_was_counted_is_in_the_stats_and_forgotten_with_the_source():
    told = Told().feed(overhead(3, 10, calls=[(READ, 0, 90)]), overhead(4, 0, calls=[(READ, 0, 5), (GENERIC, 110, 7)]))
    stats = told.engine.stats()
    assert (stats["counted"], stats["overhead_step"], stats["events"]) == (102, 4, 0)
    told.engine.begin({}, False, "next")
    stats = told.engine.stats()
    assert (stats["counted"], stats["overhead_step"]) == (0, 0)
    told.feed(overhead(4, 0))
    assert len(told.lines) == 3, "a new source begins with everything"


def test_the_summary_holds_what_was_only_counted_and_says_so():
    engine = Engine()
    summary = Summary(engine)
    summary.start()
    stream = Stream().event("SYSCALL_READ_X", res=1, data=b"x", fd=3, size=1)
    engine.feed_bytes(stream.take() + overhead(4, 0, calls=[(READ, 0, 41), (GENERIC, 110, 7)]))
    lines = summary.text().decode().splitlines()
    assert "< read            42" in lines
    assert any(re.fullmatch(r"< \S+ +7", line) for line in lines), lines
    assert lines[-1] == "! 48 of these calls were only counted, to cap the overhead"


def test_counts_under_a_filter_say_that_it_was_not_asked_in_full():
    probe = Probe()
    summary = Summary(probe.engine)
    summary.start()
    probe.filter("true")
    probe.engine.feed_bytes(overhead(4, 0, calls=[(READ, 0, 41)]))
    assert "of the filter they were asked only what the kernel knows" in summary.text().decode().splitlines()[-1]


@pytest.mark.parametrize(
    "values",
    [
        {"step": 200, "one_in": 2**32 - 1, "limit": 0, "calls": b"1234567"},
        {"step": 4, "one_in": 0, "calls": struct.pack(LEFT_OUT, 65535, 65535, 2**64 - 1) * 3},
        {"step": 3},
        {},
    ],
)
@pytest.mark.parametrize("ts", [0, 2**63 - 1, 2**64 - 1])
def test_a_damaged_record_harms_nothing(values, ts):
    told = Told()
    told.feed(record("STATE_OVERHEAD", values, ts=ts, flags=1), overhead(1))
    assert told.lines
    assert told.engine.stats()["state_records"] == 2


def test_every_record_is_saved_in_a_filtered_trace_too():
    engine = Engine()
    engine.set_filter("return function() return false end, function() return true end, {}")
    engine.write_records(1 << 16, selective=True)
    raw = overhead(3, 10, calls=[(READ, 0, 1)])
    engine.feed_bytes(raw)
    assert engine.take_records().data == raw


def test_state_code_is_the_one_that_traces_hold():
    assert State.OVERHEAD == 0xF00B
