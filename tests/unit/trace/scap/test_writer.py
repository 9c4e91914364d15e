import gzip
import io
import time
import zlib
from pathlib import Path

import pytest

from sysdig_py.engine.encoder import EventEncoder
from sysdig_py.errors import TraceError
from sysdig_py.schema.record import pack_record
from sysdig_py.schema.state import FdType, Section, State
from sysdig_py.trace.scap.writer import QUICK, SMALL, ScapWriter
from tests.synthetic import Stream
from tests.traces import MACHINE, story
from tests.unit.trace.scap.written import blocks, events
from tests.unit.trace.traces import TOTALS


def _written(*spans: bytes, level: int = 0, dialect: str = "") -> bytes:
    file = io.BytesIO()
    writer = ScapWriter(file, MACHINE, EventEncoder(dialect), level=level)
    for span in spans:
        writer.write_block(span, 0, 0, 1)
    writer.close(TOTALS)
    return file.getvalue()


def test_state_comes_first_and_events_in_pairs() -> None:
    data = _written(story().data)
    kinds = [kind for kind, _ in blocks(data)]
    assert kinds[:6] == [0x0A0D0D0A, 0x201, 0x219, 0x220, 0x215, 0x218]
    codes = [event.code for event in events(data)]
    assert codes == [272, *[6, 7, 8, 9] * 5]


@pytest.mark.parametrize("level", [QUICK, SMALL])
def test_the_compressed_file_holds_the_same(level: int) -> None:
    assert gzip.decompress(_written(story().data, level=level)) == _written(story().data)


def test_what_was_written_can_be_read_while_the_capture_goes_on() -> None:
    file = io.BytesIO()
    with ScapWriter(file, MACHINE, EventEncoder("", window_ns=0), level=SMALL, flush_seconds=0.01) as writer:
        writer.write_block(story().data, 0, 0, 1)
        deadline = time.monotonic() + 10
        while writer.bytes_written < 100 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(zlib.decompressobj(wbits=31).decompress(file.getvalue())) > 500


def test_state_that_comes_late_is_told_by_events_right_before_the_next() -> None:
    stream = Stream()
    stream.event("SYSCALL_READ_X", tid=10, res=1, fd=3).state(
        State.FD, tid=10, pid=10, fd=4, type=FdType.FILE, name="/x"
    )
    stream.event("SYSCALL_READ_X", tid=10, res=1, fd=4, latency=100)
    found = events(_written(stream.data))
    assert [(event.code, event.flags) for event in found] == [(6, 0), (7, 0), (2, 1), (3, 1), (6, 0), (7, 0)]
    assert [event.ts for event in found] == sorted(event.ts for event in found)


def test_a_thread_without_cgroups_has_the_path_of_its_cgroup() -> None:
    stream = Stream().thread(10, cgroup=7).state(State.CGROUP, cgroup_id=7, path="/docker/abc", container_id="abc")
    assert b"cpu=/docker/abc\0" in dict(blocks(_written(stream.event("SYSCALL_READ_X", tid=10).data)))[0x215]


def test_a_container_is_told_once_when_its_event_is_in_the_stream() -> None:
    text = b'{"container":{"id":"abc","name":"web"}}\0'
    told = Stream().state(State.CONTAINER, id="abc", name="web").data
    assert len(events(_written(told + pack_record(324, [text], ts=5, tid=-1), dialect="0293"))) == 1
    assert len(events(_written(told + Stream().event("SYSCALL_READ_X").data, dialect="0293"))) == 2


def test_a_section_begins_with_a_head_of_its_own() -> None:
    begin = pack_record(State.SECTION, [bytes((Section.BEGIN,))], flags=1)
    second = begin + Stream().thread(11, comm="second").event("SYSCALL_READ_X", tid=11).data
    kinds = [kind for kind, _ in blocks(_written(story().data, second))]
    assert kinds.count(0x0A0D0D0A) == 2 and kinds.count(0x215) == 2


def test_a_file_without_events_has_its_head() -> None:
    assert [kind for kind, _ in blocks(_written())][:2] == [0x0A0D0D0A, 0x201]


def test_a_place_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="cannot write a trace there"):
        ScapWriter(tmp_path / "missing" / "a.scap", MACHINE, EventEncoder(""))


def test_an_error_of_the_encoder_reaches_the_capture() -> None:
    writer = ScapWriter(io.BytesIO(), MACHINE, EventEncoder(""), flush_seconds=0.01)
    writer.write_block(b"\xff" * 64, 0, 0, 1)
    with pytest.raises(TraceError, match="a record cut at byte 0"):
        writer.close(TOTALS)
