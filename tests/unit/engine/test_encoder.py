import struct

from hypothesis import given
from hypothesis import strategies as st

from sysdig_py.engine.encoder import EventEncoder
from sysdig_py.schema.record import Flag, pack_record
from tests.synthetic import START, Stream, record
from tests.unit.trace.scap.written import Event, events


def _encoded(records: bytes, **options: int) -> list[Event]:
    encoder = EventEncoder("", **options)
    assert encoder.encode(records, 0) == len(records)
    return events(encoder.take() + encoder.finish())


def test_a_call_enters_before_it_ends_by_the_time_it_took() -> None:
    enter, leave = _encoded(Stream().event("SYSCALL_READ_X", tid=7, res=2, data=b"hi", fd=3, size=80, latency=400).data)
    assert (enter.code, leave.code, enter.ts, leave.ts) == (6, 7, START + 600, START + 1000)
    assert enter.params == (struct.pack("<q", 3), struct.pack("<I", 80))
    assert leave.params == (struct.pack("<q", 2), b"hi")


def test_enters_and_exits_of_all_threads_are_in_the_order_of_time() -> None:
    stream = Stream()
    for i in range(50):
        stream.event("SYSCALL_READ_X", tid=i, res=1, fd=3, latency=(i * 7919) % 40000)
    found = _encoded(stream.data)
    assert len(found) == 100
    assert [event.ts for event in found] == sorted(event.ts for event in found)
    for tid in range(50):
        assert [event.code for event in found if event.tid == tid] == [6, 7]


def test_an_enter_from_before_the_window_comes_as_early_as_it_can() -> None:
    stream = Stream(step=1000)
    stream.event("SYSCALL_WRITE_X", tid=1, res=1, fd=3)
    for _ in range(20):
        stream.event("SYSCALL_WRITE_X", tid=1, res=1, fd=3)
    stream.event("SYSCALL_READ_X", tid=2, res=1, fd=3, latency=18000)
    found = _encoded(stream.data, window_ns=5000)
    times = [event.ts for event in found]
    assert times == sorted(times)
    enter = next(event for event in found if event.code == 6)
    assert START + 22000 - 5000 - 1000 <= enter.ts <= START + 22000 - 5000


def test_memory_is_bounded_by_writing_earlier() -> None:
    stream = Stream()
    for i in range(2000):
        stream.event("SYSCALL_WRITE_X", tid=1, res=1, data=b"x" * 100, fd=3, latency=i)
    found = _encoded(stream.data, waiting_bytes=4096)
    assert len(found) == 4000
    assert sum(event.code == 9 for event in found) == 2000


def test_a_record_larger_than_what_may_wait_is_written_all_the_same() -> None:
    large = record("SYSCALL_WRITE_X", {"res": 1, "data": b"y" * 60000, "fd": 3}, ts=START, tid=1, pid=1)
    found = _encoded(large * 3, waiting_bytes=4096)
    assert [len(event.params[1]) for event in found if event.code == 9] == [60000] * 3


def test_a_child_reports_its_birth_without_having_entered() -> None:
    stream = Stream().call("SYSCALL_CLONE_20_X", {"res": 0, "tid": 8, "comm": "x"}, tid=8)
    stream.call("SYSCALL_CLONE_20_X", {"res": 8, "tid": 7, "comm": "x"}, tid=7)
    assert [(event.tid, event.code) for event in _encoded(stream.data)] == [(8, 223), (7, 222), (7, 223)]


def test_names_of_calls_that_the_reader_does_not_know_are_not_told() -> None:
    stream = Stream().event("GENERIC_X", ID=320, nativeID=5).event("GENERIC_X", ID=339, nativeID=6)
    found = _encoded(stream.data)
    assert [int.from_bytes(event.params[0], "little") for event in found] == [320, 320, 0, 0]
    assert int.from_bytes(found[2].params[1], "little") == 6


def test_absent_parameters_are_what_a_reader_can_bear() -> None:
    enter, leave = _encoded(pack_record(7, [], ts=START, tid=1))
    assert enter.params == (struct.pack("<q", -1), bytes(4))
    assert leave.params == (bytes(8), b"")


def test_integers_keep_their_value_in_another_width() -> None:
    enter, _ = _encoded(pack_record(7, [b"\x02\0\0\0", b"", b"\xff\xff\xff\xff", b"\x05"], ts=START, tid=1))
    assert enter.params == (struct.pack("<q", -1), struct.pack("<I", 5))


def test_events_for_the_state_alone_stay_so() -> None:
    found = _encoded(Stream().event("SYSCALL_CLOSE_X", res=0, fd=3, record_flags=Flag.STATE_ONLY).data)
    assert [event.flags for event in found] == [1, 1]


def test_parameters_too_long_for_short_lengths_get_a_block_of_their_own_kind() -> None:
    long = record("SYSCALL_WRITE_X", {"res": 1, "data": b"z" * 100_000, "fd": 3}, ts=START, tid=1)
    assert [len(event.params[1]) for event in _encoded(long) if event.code == 9] == [100_000]


def test_a_stream_with_enter_events_is_written_as_it_is() -> None:
    stream = Stream().event("SYSCALL_READ_X", tid=7, res=2, data=b"hi", fd=3, size=80, latency=400)
    encoder = EventEncoder("0293")
    encoder.encode(stream.data, 0)
    (found,) = events(encoder.take())
    assert (found.code, len(found.params)) == (7, 4)


def test_encoding_stops_at_what_is_for_the_host() -> None:
    event = Stream().event("SYSCALL_READ_X").take()
    state = Stream().thread(1).take()
    assert EventEncoder("").encode(event + state + event, 0) == len(event)


@given(st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 50_000), st.integers(0, 300)), max_size=60))
def test_every_event_is_written_once_whatever_the_times(calls: list[tuple[int, int, int]]) -> None:
    records = b"".join(
        record("SYSCALL_WRITE_X", {"res": i, "data": b"d" * size, "fd": 3}, ts=START + ts, tid=i, latency_ns=latency)
        for i, (ts, latency, size) in enumerate(calls)
    )
    found = _encoded(records, window_ns=3000, waiting_bytes=2048)
    assert sorted(event.tid for event in found if event.code == 8) == list(range(len(calls)))
    assert sorted(event.tid for event in found if event.code == 9) == list(range(len(calls)))
    for i in range(len(calls)):
        assert [event.code for event in found if event.tid == i] == [8, 9]
