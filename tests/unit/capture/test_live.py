import struct
from types import SimpleNamespace

import pytest

from sysdig_py.capture import live
from sysdig_py.capture.live import LiveCapture, LiveOptions
from sysdig_py.capture.probe import Loss
from sysdig_py.capture.treatment import Verdict
from sysdig_py.engine.vm import Status, Step
from sysdig_py.schema.record import PPM_HEADER, PREFIX
from sysdig_py.schema.state import State


def test_a_gap_record_says_how_many():
    raw = live.gap_record("ring full", 5, 12)
    code = PPM_HEADER.unpack_from(raw, PREFIX.size)[3]
    assert code == State.GAP
    at = PREFIX.size + PPM_HEADER.size
    sizes = struct.unpack_from("<4H", raw, at)
    assert sizes == (10, 8, 8, 2)
    assert raw[at + 8 :].startswith(b"ring full\0" + struct.pack("<QQh", 5, 12, -1))


def test_records_are_fed_in_blocks(monkeypatch):
    monkeypatch.setattr(live, "_SNAPSHOT_BYTES", 10)
    assert list(live._blocks(iter([b"12345678", b"12345678", b"1"]))) == [b"1234567812345678", b"1"]


class FakeProbe:
    detached = False

    def detach(self):
        self.detached = True

    def __init__(self):
        self.lost = 0
        self.waits = 0
        self.treated = []
        self.answers = []
        self.told_again = 0

    def tell_again(self):
        self.told_again += 1

    def treat(self, treatments):
        self.treated.append(treatments)

    def answer(self, answers):
        self.answers.append(answers)

    def now(self):
        return 10_000_000_000

    def losses(self):
        return [Loss("ring full", [self.lost, 0]), Loss("memory unreadable", [7, 7])]

    def wait(self, _timeout):
        self.waits += 1


class FakeResolver:
    def pending(self):
        return []

    def on_cgroup(self, number, path):
        return [f"{number}:{path}".encode()]


class FakeEngine:
    def __init__(self, drains, feeds=()):
        self.drains = list(drains)
        self.feeds = list(feeds)
        self.fed = []
        self.lost = 0
        self.until = []
        self.wants_ticks = False

    def drain(self, _limit, until_ts):
        self.until.append(until_ts)
        return self.drains.pop(0)

    def feed_bytes(self, block):
        self.fed.append(block)
        return self.feeds.pop(0) if self.feeds else Step(Status.OK, len(block))

    def stats(self):
        return {"events": 3, "lost.ring full": self.lost}


@pytest.fixture
def capture():
    made = LiveCapture(LiveOptions(max_seconds=1000))
    made._probe = FakeProbe()
    made._resolver = FakeResolver()
    return made


def test_a_new_cgroup_is_resolved_before_the_ring_goes_on(capture):
    engine = FakeEngine([Step(Status.CGROUP, 5, 42, b"/docker/abc"), Step(Status.OK, 0)])
    assert capture.pump(engine)
    assert capture.pump(engine)
    assert engine.fed == [b"42:/docker/abc"]
    assert capture._probe.waits == 1


def test_a_full_sink_gets_the_rest_of_a_block_later(capture):
    capture._pending.append(b"AABB")
    engine = FakeEngine([Step(Status.OK, 1)], [Step(Status.FULL, 2)])
    assert capture.pump(engine)
    assert len(engine.drains) == 1
    assert capture.pump(engine)
    assert engine.fed == [b"AABB", b"BB"]


def test_after_losses_all_is_told_again_but_not_too_often(capture, monkeypatch):
    now = 100.0
    monkeypatch.setattr(live.time, "monotonic", lambda: now)
    counts = []
    for now, lost in ((100.0, 0), (100.1, 5), (100.2, 6), (100.25, 6), (100.31, 6), (101.0, 6)):  # noqa: B007
        capture._probe.lost = lost
        capture._tell_again()
        counts.append(capture._probe.told_again)
    assert counts == [0, 1, 1, 1, 2, 2]


def test_losses_the_stream_did_not_tell_of_are_told_at_the_end(capture):
    engine = FakeEngine([Step(Status.OK, 1)] * 4)
    capture._probe.lost, engine.lost = 6, 4
    capture.pump(engine)
    assert not engine.fed
    capture.stop()
    assert capture.pump(engine)
    engine.lost = 6
    assert not capture.pump(engine)
    assert [b"ring full\0" + struct.pack("<QQ", 2, 6) in block for block in engine.fed] == [True]


def test_only_what_all_rings_must_have_is_walked_before_the_end(capture):
    engine = FakeEngine([Step(Status.OK, 1)] * 2)
    capture.pump(engine)
    capture.stop()
    capture.pump(engine)
    assert engine.until == [10_000_000_000 - live._SETTLE_NS, 0]


def test_the_engine_ends_the_capture(capture):
    assert not capture.pump(FakeEngine([Step(Status.STOP, 1)]))


@pytest.mark.parametrize("by_clock", [True, False])
def test_the_end_comes_after_what_the_ring_still_holds(capture, by_clock):
    if by_clock:
        capture._started -= 2000
    else:
        capture.stop()
    engine = FakeEngine([Step(Status.MORE, 9), *[Step(Status.OK, 1)] * (2 if by_clock else 1)])
    assert capture.pump(engine)
    assert capture.pump(engine) is by_clock
    assert capture._probe.detached
    assert capture.pump(engine) is False if by_clock else not engine.drains


def test_a_chisel_may_ask_for_more_of_the_buffers_but_not_against_the_user():
    capture = LiveCapture()
    capture.suggest_snaplen(2000)
    assert capture.options.data_bytes == 2000
    asked = LiveCapture(LiveOptions(snaplen=16))
    asked.suggest_snaplen(2000)
    assert asked.options.data_bytes == 16


def test_who_waits_for_time_is_told_it_while_nothing_happens(capture):
    engine = FakeEngine([Step(Status.OK, 0)] * 3)
    engine.wants_ticks = True
    for _ in range(3):
        capture.pump(engine)
    codes = [PPM_HEADER.unpack_from(block, PREFIX.size)[3] for block in engine.fed]
    assert codes == [State.TICK], "not at every turn"


def test_a_filter_that_changed_takes_everything_in_again(capture):
    capture.push_down(None)
    (treated,) = capture._probe.treated
    assert {one.verdict for one in treated.values()} == {Verdict.KEEP}


def test_what_was_told_of_containers_is_answered(capture):
    capture._answers = SimpleNamespace(changed=lambda: {7: 1})
    capture._pending.append(b"CONTAINER")
    capture.pump(FakeEngine([Step(Status.OK, 0)] * 2))
    assert capture._probe.answers == [{7: 1}]


class FakeGovernor:
    def __init__(self):
        self.left = [b"REST"]

    def records(self):
        return iter([b"STEP"])

    def rest(self):
        rest, self.left = self.left, []
        return iter(rest)


def test_what_is_left_out_to_cap_the_cost_is_told_once_the_start_is_over_and_at_the_end(capture):
    capture._governor = FakeGovernor()
    capture._pending.append(b"SNAPSHOT")
    engine = FakeEngine([Step(Status.OK, 1)] * 4)
    capture.pump(engine)
    assert engine.fed == [b"SNAPSHOT"]
    capture.pump(engine)
    assert engine.fed == [b"SNAPSHOT", b"STEP"]
    capture.stop()
    assert capture.pump(engine)
    assert not capture.pump(engine)
    assert engine.fed == [b"SNAPSHOT", b"STEP", b"REST"], "no more steps once it is detached"
