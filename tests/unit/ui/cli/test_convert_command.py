import io
from pathlib import Path

import pytest

from sysdig_py.capture.traces import open_replay
from sysdig_py.errors import TraceError, UsageError
from sysdig_py.trace.reader import NativeReader
from sysdig_py.ui.cli.convert_command import run_convert_command
from sysdig_py.ui.cli.main import main
from tests.traces import write_story


def _convert(*words: object) -> int:
    return run_convert_command([str(word) for word in words], io.StringIO())


def test_there_and_back_the_events_are_the_same(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write_story(tmp_path / "a.spy")
    assert _convert(tmp_path / "a.spy", tmp_path / "b.scap") == 0
    assert main(["convert", "-z", str(tmp_path / "b.scap"), str(tmp_path / "c.scap")]) == 0
    assert _convert(tmp_path / "c.scap", tmp_path / "d.spy") == 0
    assert (tmp_path / "c.scap").read_bytes()[:2] == b"\x1f\x8b"
    shown = []
    for name in ("b.scap", "d.spy"):
        capfd.readouterr()
        assert main(["-r", str(tmp_path / name), "evt.dir=<"]) == 0
        shown.append(capfd.readouterr().out)
    assert shown[0] == shown[1]
    assert shown[0].count("\n") == 10


def test_a_filter_and_limits_choose_the_events(tmp_path: Path) -> None:
    write_story(tmp_path / "a.spy")
    assert _convert("-n", "2", tmp_path / "a.spy", tmp_path / "b.spy", "evt.type=write") == 0
    with NativeReader(tmp_path / "b.spy") as reader:
        list(reader)
        assert reader.totals is not None and reader.header["filter"] == "evt.type=write"
    source = open_replay(tmp_path / "b.spy")
    source.close()


@pytest.mark.parametrize("words", [[], ["a"], ["-r", "x", "a", "b"], ["-c", "x", "a", "b"], ["a", "b", "-L"]])
def test_words_that_make_no_sense(words: list[str]) -> None:
    with pytest.raises(UsageError, match="use: sysdig-py convert"):
        _convert(*words)


def test_a_trace_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="cannot open"):
        _convert(tmp_path / "none", tmp_path / "b.spy")
