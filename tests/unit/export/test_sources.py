"""`sysdig_py.open` and `sysdig_py.live`: errors come at once, damage is a warning, limits are checked."""

from pathlib import Path

import pytest

import sysdig_py
from sysdig_py.errors import TraceError, UsageError
from sysdig_py.export.sources import DamagedTrace
from tests.scap import Trace, i64, process, processes
from tests.source_tree import ROOT
from tests.synthetic import START
from tests.traces import write_story


def test_the_flow_from_the_package_itself() -> None:
    table = sysdig_py.open(ROOT / "tests/data/demo.spy").filter("container.name=web").select("evt.num").arrow()
    assert table.num_rows == 1176


def test_the_package_has_no_other_names() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        _ = sysdig_py.nonsense


def test_a_file_that_is_not_there_is_told_before_anything_is_selected(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="nowhere"):
        sysdig_py.open(tmp_path / "nowhere.spy")


def test_a_cut_trace_is_read_with_a_warning(tmp_path: Path) -> None:
    path = write_story(tmp_path / "story.spy")
    path.write_bytes(path.read_bytes()[:-20])
    selection = sysdig_py.open(path).select("evt.num")
    with pytest.warns(DamagedTrace, match="lost"):
        assert selection.arrow().num_rows == 10


def test_traces_of_sysdig(tmp_path: Path) -> None:
    path = tmp_path / "t.scap"
    path.write_bytes(Trace(processes(process(10, comm="cat"))).event(4, i64(3)).event(5, i64(0)).data)
    table = sysdig_py.open(path).select("evt.num", "evt.dir", "evt.type", "proc.name", "evt.rawtime").arrow()
    assert table.drop(["evt.rawtime"]).to_pylist() == [
        {"evt.num": 1, "evt.dir": ">", "evt.type": "close", "proc.name": "cat"},
        {"evt.num": 2, "evt.dir": "<", "evt.type": "close", "proc.name": "cat"},
    ]
    assert table["evt.rawtime"].cast("int64").to_pylist() == [START + 1000, START + 2000]


def test_live_without_a_limit_has_no_end() -> None:
    assert sysdig_py.live().is_endless
    assert not sysdig_py.live(seconds=1).is_endless
    assert not sysdig_py.live(events=1).is_endless


@pytest.mark.parametrize("limits", [{"seconds": -1}, {"seconds": float("inf")}, {"events": -1}, {"snaplen": -1}])
def test_limits_that_make_no_sense(limits: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        sysdig_py.live(**limits)  # type: ignore[arg-type]
