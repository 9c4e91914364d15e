"""`chisel new` and `chisel test`, with a real trace."""

import io
from pathlib import Path

import pytest

from sysdig_py.errors import ChiselError, UsageError
from sysdig_py.trace.format import make_header
from sysdig_py.trace.writer import NativeWriter
from sysdig_py.ui.cli.chisel_command import run_chisel_command
from tests.unit.chisel.running import MACHINE
from tests.unit.chisel.test_shipped import TABLES, scene


@pytest.fixture
def trace(tmp_path: Path) -> str:
    path = tmp_path / "scene.spy"
    writer = NativeWriter(path, make_header(MACHINE, 1, 0, "", "test"))
    writer.write_block(scene(), 1_700_000_000_000_000_000, 1_700_000_000_020_000_000, 1)
    writer.abort()
    return str(path)


def run(*words: str) -> str:
    out = io.StringIO()
    assert run_chisel_command(list(words), out) == 0
    return out.getvalue()


def test_new(tmp_path: Path) -> None:
    path = tmp_path / "mine.lua"
    assert run("new", str(path)) == f"{path}\n"
    assert path.is_file()


def test_test_prints_the_chisels_output_and_its_cost(trace: str) -> None:
    text = run("test", "topfiles_bytes", "--trace", trace)
    output, _, cost = text.partition("\ncallback")
    assert output == TABLES["topfiles_bytes"]
    lines = cost.splitlines()
    assert [line.split()[:2] for line in lines[1:-1]][-2:] == [["on_event", "1"], ["on_capture_end", "1"]]
    assert lines[-1].startswith("15 events in ") and lines[-1].endswith(" events/s")


def test_words_behind_are_the_chisels_arguments(trace: str) -> None:
    assert "curl         read               12" in run("test", "netlower", "--trace", trace, "10", "disable_colors")


def test_a_failing_chisel_is_an_error(tmp_path: Path, trace: str) -> None:
    path = tmp_path / "broken.lua"
    path.write_text("args = {}\nfunction on_event()\n    local missing = nil\n    return missing.field\nend\n")
    with pytest.raises(ChiselError, match="broken"):
        run("test", str(path), "--trace", trace)


@pytest.mark.parametrize(
    "words",
    [[], ["new"], ["new", "a", "b"], ["test", "x"], ["test", "--trace", "t"], ["test", "x", "--trace"], ["old"]],
)
def test_words_that_make_no_sense(words: list[str]) -> None:
    with pytest.raises(UsageError, match="use: sysdig-py chisel new"):
        run(*words)
