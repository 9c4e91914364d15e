import io
import json
from pathlib import Path
from typing import Any

import pytest

from sysdig_py.errors import TraceError, UsageError
from sysdig_py.trace.format import FORMAT_VERSION
from sysdig_py.ui.cli.convert_command import run_convert_command
from sysdig_py.ui.cli.info_command import run_info_command
from sysdig_py.ui.cli.main import main
from tests.traces import write_story


def _info(*words: object) -> str:
    out = io.StringIO()
    assert run_info_command([str(word) for word in words], out) == 0
    return out.getvalue()


def _facts(*words: object) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(_info("-j", *words))
    return facts


def test_a_trace_is_told_in_numbers(tmp_path: Path) -> None:
    path = write_story(tmp_path / "a.spy")
    facts = _facts(path)
    assert facts["by_event"] == {"read": 5, "write": 5}
    assert (facts["by_program"], facts["by_container"]) == ({"cat": 10}, {"web": 10})
    assert (facts["events"], facts["processes"], facts["threads"]) == (10, 1, 1)
    assert (facts["complete"], facts["format"], facts["header"]["format"]) == (True, "native", FORMAT_VERSION)
    assert facts["seconds"] == pytest.approx(0.009)
    assert facts["file_bytes"] == path.stat().st_size
    assert facts["machine"]["hostname"] == "box"


def test_people_see_tables(tmp_path: Path) -> None:
    text = _info(write_story(tmp_path / "a.spy"))
    for words in ("10 of 1 processes", "complete", "yes", "Programs (1)", "cat", "web", "per event"):
        assert words in text
    assert "\x1b" not in text


def test_a_filter_chooses_what_is_counted(tmp_path: Path) -> None:
    facts = _facts(write_story(tmp_path / "a.spy"), "evt.type=read")
    assert facts["by_event"] == {"read": 5}


def test_a_cut_trace_is_not_complete(tmp_path: Path) -> None:
    path = write_story(tmp_path / "a.spy")
    path.write_bytes(path.read_bytes()[:-20])
    facts = _facts(path)
    assert not facts["complete"] and facts["damage"]
    assert "no" in _info(path)


def test_a_scap_is_told_too(tmp_path: Path) -> None:
    run_convert_command([str(write_story(tmp_path / "a.spy")), str(tmp_path / "b.scap")], io.StringIO())
    facts = _facts(tmp_path / "b.scap")
    assert (facts["format"], facts["complete"], facts["by_program"]["cat"]) == ("scap", True, 20)


@pytest.mark.parametrize("words", [[], ["-r", "x"], ["-n", "3", "x"], ["-"]])
def test_words_that_make_no_sense(words: list[str]) -> None:
    with pytest.raises(UsageError):
        run_info_command(words, io.StringIO())


def test_a_file_that_is_no_trace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x").write_bytes(b"hello")
    with pytest.raises(TraceError, match="not a trace"):
        run_info_command([str(tmp_path / "x")], io.StringIO())
    assert main(["info", str(tmp_path / "x")]) == 3
    assert "not a trace" in capsys.readouterr().err
