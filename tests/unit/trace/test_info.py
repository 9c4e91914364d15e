import io

from sysdig_py.trace.info import describe
from sysdig_py.trace.reader import NativeReader
from tests.unit.trace.traces import HEADER, START, span, trace

SPANS = [span(10, seed=i) for i in range(4)]
TRACE = trace(SPANS)


def test_a_complete_trace_is_described() -> None:
    info = describe(NativeReader(io.BytesIO(TRACE), "box.spy"))
    assert (info.name, info.blocks, info.records) == ("box.spy", 4, 40)
    assert info.raw_bytes == sum(map(len, SPANS))
    assert info.file_bytes == len(TRACE)
    assert 0 < info.packed_bytes < len(TRACE)
    assert info.compression == info.raw_bytes / info.packed_bytes > 1
    assert (info.first_ts, info.last_ts) == (START, START + 3_009_000)
    assert info.seconds == 0.003009
    assert info.lost == {"ring-full": 4}
    assert (info.complete, info.cut_at, info.holes) == (True, None, ())
    assert info.header["machine"] == HEADER["machine"]


def test_a_cut_trace_is_described_as_far_as_it_goes() -> None:
    info = describe(NativeReader(io.BytesIO(TRACE[:-40])))
    assert (info.blocks, info.complete, info.lost) == (4, False, None)
    assert info.cut_at is not None
    assert len(info.holes) == 1


def test_an_empty_trace_has_no_duration() -> None:
    info = describe(NativeReader(io.BytesIO(trace([]))))
    assert (info.blocks, info.seconds, info.compression, info.complete) == (0, 0.0, 0.0, True)
