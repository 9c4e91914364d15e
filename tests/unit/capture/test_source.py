from pathlib import Path

from sysdig_py.capture.replay import Replay
from sysdig_py.capture.source import CaptureStats, Source
from sysdig_py.trace.format import Totals
from tests.unit.trace.traces import span, trace


def test_a_replay_is_a_source(tmp_path: Path) -> None:
    path = tmp_path / "a.spy"
    path.write_bytes(trace([span(10)]))
    source: Source = Replay(path)
    assert (source.is_live, source.name, source.machine["hostname"]) == (False, str(path), "box")
    source.close()


def test_what_a_source_counted_can_be_saved() -> None:
    assert Totals.of(CaptureStats(3, 200, {"ring": 1}, 2)) == Totals(3, 200, {"ring": 1}, 2.0)


def test_what_was_left_out_is_a_part_of_the_report_only_where_something_was():
    assert CaptureStats(3).left_out() == ""
    assert CaptureStats.of({"events": 3}, 0, {}, 1.0).left_out() == ""
    stats = CaptureStats.of({"events": 3, "counted": 8, "overhead_step": 4}, 0, {}, 1.0)
    assert stats.left_out() == ", 8 only counted (--max-overhead went to step 4 of 4)"
    assert CaptureStats(3, reduced=1).left_out() == ", 0 only counted (--max-overhead went to step 1 of 4)"
