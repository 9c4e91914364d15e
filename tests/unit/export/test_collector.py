"""Columns of hand-made events: exact values, gaps, growth, reuse of the memory, bytes that are no text."""

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sysdig_py.engine.vm import Engine
from sysdig_py.errors import UsageError
from sysdig_py.export.arrow import Column
from sysdig_py.export.collector import Collector
from sysdig_py.export.fields import column
from sysdig_py.schema.state import FdType, State
from tests.synthetic import START, Stream, tuple4

BEYOND = 2**53 + 1


def collected(stream: Stream, *names: str) -> pa.RecordBatch:
    collector = Collector(engine := Engine(), [column(name) for name in names])
    engine.feed_bytes(stream.take())
    batch = collector.take()
    batch.validate(full=True)
    return batch


def values(stream: Stream, name: str) -> list[Any]:
    return collected(stream, name).column(0).to_pylist()


def read(stream: Stream, data: bytes, **values: Any) -> Stream:
    return stream.event("SYSCALL_READ_X", tid=7, res=len(data), data=data, fd=3, size=99, **values)


def test_times_are_exact_to_the_nanosecond() -> None:
    stream = read(Stream(ts=START + 1, step=1), b"x")
    batch = collected(stream, "evt.rawtime", "evt.time", "evt.rawtime.ns")
    assert [array.cast(pa.int64()).to_pylist() for array in batch.columns] == [[START + 2], [START + 2], [2]]


def test_an_inode_beyond_what_a_double_holds_is_exact() -> None:
    stream = Stream().thread(7).state(State.FD, tid=7, pid=7, fd=3, type=FdType.FILE, name="/a", ino=BEYOND)
    assert values(read(stream, b""), "fd.ino") == [BEYOND]


def test_raw_arguments_of_64_bits_are_exact() -> None:
    stream = Stream()
    for length in (BEYOND, 2**64 - 1, 5):
        stream.event("SYSCALL_MUNMAP_E", tid=7, addr=0, length=length)
    assert values(stream, "evt.rawarg.length") == [BEYOND, 2**64 - 1, 5]


def test_what_an_event_does_not_have_is_missing() -> None:
    stream = read(Stream().thread(7, comm="cat"), b"abc")
    stream.event("SYSCALL_CLOSE_X", tid=7, res=0, fd=9)
    batch = collected(stream, "evt.buffer", "evt.io_dir", "fd.name", "fd.ino", "proc.name", "evt.failed")
    assert batch.to_pylist() == [
        {"evt.buffer": b"abc", "evt.io_dir": "read", "fd.name": "", "fd.ino": None, "proc.name": "cat",
         "evt.failed": False},
        {"evt.buffer": None, "evt.io_dir": None, "fd.name": "", "fd.ino": None, "proc.name": "cat",
         "evt.failed": False},
    ]  # fmt: skip
    assert [array.null_count for array in batch.columns] == [1, 1, 0, 2, 0, 0]


def test_both_ends_of_a_connection_are_a_list() -> None:
    stream = Stream()
    stream.event("SOCKET_SOCKET_X", tid=7, fd=3, domain=2, type=1, proto=0)
    stream.event("SOCKET_CONNECT_X", tid=7, res=0, tuple=tuple4("10.0.0.1", 4000, "10.0.0.2", 80), fd=3)
    stream.event("SYSCALL_CLOSE_X", tid=7, res=0, fd=9)
    batch = collected(stream, "fd.ip", "fd.port")
    assert batch.to_pylist()[1:] == [
        {"fd.ip": ["10.0.0.1", "10.0.0.2"], "fd.port": [4000, 80]},
        {"fd.ip": None, "fd.port": None},
    ]


def test_a_name_that_is_no_utf8_gets_replacement_characters() -> None:
    stream = Stream().thread(7).state(State.FD, tid=7, pid=7, fd=3, type=FdType.FILE, name=b"/\xff\0")
    stream.state(State.FD, tid=7, pid=7, fd=4, type=FdType.FILE, name=b"/\xfe\0")
    read(stream, b"").event("SYSCALL_READ_X", tid=7, res=0, data=b"", fd=4, size=1)
    names = collected(stream, "fd.name").column(0)
    assert names.to_pylist() == ["/\N{REPLACEMENT CHARACTER}"] * 2
    assert len(names.dictionary) == 1


def test_control_characters_never_come_out_of_a_name() -> None:
    stream = Stream().thread(7, comm="a\x1b[1m")
    assert values(read(stream, b""), "proc.name") == ["a.[1m"]


def test_internal_events_are_left_out_as_they_are_from_lines() -> None:
    stream = read(Stream(), b"")
    stream.event("PROCINFO_E", tid=7, cpu_usr=1, cpu_sys=2)
    assert values(stream, "evt.num") == [1]


def test_batches_share_nothing() -> None:
    collector = Collector(engine := Engine(), [column(name) for name in ("evt.num", "fd.name", "evt.is_io", "fd.port")])
    engine.feed_bytes(read(Stream(), b"x").take())
    first = collector.take()
    stream = Stream()
    stream.event("SYSCALL_CLOSE_X", tid=7, res=0, fd=9)
    stream.event("SYSCALL_CLOSE_X", tid=7, res=0, fd=9)
    engine.feed_bytes(stream.take())
    second = collector.take()
    assert first.to_pylist() == [{"evt.num": 1, "fd.name": "", "evt.is_io": True, "fd.port": None}]
    assert [row["evt.num"] for row in second.to_pylist()] == [2, 3]
    assert [row["evt.is_io"] for row in second.to_pylist()] == [False, False]
    assert collector.take().num_rows == 0


@given(st.lists(st.binary(max_size=300), max_size=3000))
def test_any_number_of_any_bytes_comes_out_as_it_went_in(buffers: list[bytes]) -> None:
    stream = Stream()
    for data in buffers:
        read(stream, data)
    batch = collected(stream, "evt.buffer", "evt.num", "evt.rawres")
    assert batch.column(0).to_pylist() == buffers
    assert batch.column(1).to_pylist() == list(range(1, len(buffers) + 1))
    assert batch.column(2).to_pylist() == [len(data) for data in buffers]


def test_many_events_grow_every_kind_of_column() -> None:
    stream = Stream()
    for count in range(5000):
        read(stream, b"%d" % count)
    batch = collected(stream, "evt.num", "evt.buffer", "evt.is_io", "proc.fdusage", "fd.port", "evt.arg.data")
    assert batch.num_rows == 5000
    assert batch.column(5).to_pylist() == [str(count) for count in range(5000)]
    assert batch.column(2).true_count == 5000


def test_an_engine_that_lacks_a_field_says_so() -> None:
    with pytest.raises(UsageError, match=r"unknown field 'evt\.nonsense'"):
        Collector(Engine(), [Column("evt.nonsense", "int64")])
