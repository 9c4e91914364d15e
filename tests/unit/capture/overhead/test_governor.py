"""From a measurement to what the kernel and the stream are told."""

import struct

import pytest

from sysdig_py.capture.overhead.controller import HOLD, Sample
from sysdig_py.capture.overhead.governor import Governor, pack_left_out
from sysdig_py.capture.overhead.levels import LEVELS, ROWS, Step, word
from sysdig_py.capture.plans import PLAN_COUNT, reported
from sysdig_py.schema.record import Flag, unpack_record
from sysdig_py.schema.state import LEFT_OUT, State

READ, GETPPID = 0, 110


class Probe:
    def __init__(self):
        self.told, self.counts = [], [0] * ROWS

    def reduce(self, reduction):
        self.told.append(reduction)

    def spared(self):
        return tuple(self.counts)

    def now(self):
        return 77


class Meter:
    def __init__(self):
        self.sample, self.restarts = None, 0

    def take(self):
        sample, self.sample = self.sample, None
        return sample

    def restart(self):
        self.restarts += 1


class Capture:
    def __init__(self, percent=5.0):
        self.probe, self.meter, self.now = Probe(), Meter(), 100.0
        self.governor = Governor(percent, "x86_64", self.probe, self.meter, lambda: self.now)
        assert list(self.governor.records()) == []

    def measure(self, programs, own=0.0, calls=1e6):
        self.now += 1
        self.meter.sample = Sample(self.now - 1, self.now, programs, own, calls)
        return [unpack_record(raw) for raw in self.governor.records()]


def facts(record):
    step, one_in, programs, own, limit, calls = record.params
    return step[0], *(int.from_bytes(raw, "little") for raw in (one_in, programs, own, limit)), calls


def entries(calls):
    return list(struct.iter_unpack(LEFT_OUT, calls))


def test_within_the_limit_nothing_is_told():
    capture = Capture()
    assert capture.measure(0.03, 0.01) == []
    assert capture.probe.told == []
    assert list(capture.governor.rest()) == []


def test_a_step_reaches_the_kernel_and_the_stream_and_a_new_measurement_begins():
    capture = Capture()
    (record,) = capture.measure(0.3, 0.08)
    assert capture.probe.told == [word(LEVELS[1])]
    assert capture.meter.restarts == 2, "at the start and at the step"
    assert (record.type_code, record.ts, record.flags) == (State.OVERHEAD, 77, Flag.STATE_ONLY)
    assert facts(record) == (Step.NO_DATA, 1, 300_000, 80_000, 50_000, b"")


def test_every_later_measurement_is_told_with_what_was_counted_since():
    capture = Capture()
    for _ in range(3):
        capture.measure(0.4)
    capture.probe.counts[READ], capture.probe.counts[GETPPID] = 100, 7
    (first,) = capture.measure(0.04)
    capture.probe.counts[READ] = 250
    (second,) = capture.measure(0.04)
    assert facts(first)[:2] == (Step.SAMPLED, 10)
    read = reported("x86_64")[READ][0].code
    generic, getppid = reported("x86_64")[GETPPID]
    assert entries(first.params[5]) == [(generic.code, getppid, 7), (read, 0, 100)]
    assert [number for *_, number in entries(second.params[5])] == [150]


def test_going_back_is_told_too_and_the_end_tells_what_is_left():
    capture = Capture()
    for _ in range(3):
        capture.measure(0.4, calls=4e6)
    told = []
    for _ in range(int(HOLD) + 20):
        told += [facts(record)[0] for record in capture.measure(0.001, calls=100)]
    assert told[-1] == Step.WHOLE
    assert sorted(set(told), reverse=True) == [Step.SAMPLED, Step.NO_ARGUMENTS, Step.NO_DATA, Step.WHOLE]
    assert capture.probe.told[-1] == 0
    capture.probe.counts[READ] += 3
    (rest,) = capture.governor.rest()
    assert [number for *_, number in entries(unpack_record(rest).params[5])] == [3]
    assert list(capture.governor.rest()) == []


def test_a_start_that_costs_much_counts_for_nothing():
    meter, probe = Meter(), Probe()
    governor = Governor(5.0, "x86_64", probe, meter, lambda: 100.0)
    meter.sample = Sample(99.5, 100.5, 0.9, 0.0, 1e6)
    assert list(governor.records()) == []
    assert governor.level == LEVELS[0]


@pytest.mark.parametrize("row", [READ, PLAN_COUNT + 152])
def test_rows_are_calls_or_other_events(row):
    calls = {READ: (7, 3)}
    expected = (7, 3, 9) if row == READ else (152, 0, 9)
    assert entries(pack_left_out({row: 9}, calls)) == [expected]


def test_calls_that_are_reported_alike_are_counted_together():
    assert entries(pack_left_out({1: 2, 2: 3}, {1: (5, 6), 2: (5, 6)})) == [(5, 6, 5)]
