"""From options to a plan, and what is refused before a file is touched."""

from pathlib import Path

import pytest

from sysdig_py.errors import UsageError
from sysdig_py.ui.cli import run
from sysdig_py.ui.cli.options import ChiselRequest, Options
from tests.traces import write_story


def test_default_lines_and_container_lines() -> None:
    assert run.make_plan(Options()).line_format == run.PLAIN_FORMAT
    assert run.make_plan(Options(container_data=True)).line_format == run.CONTAINER_FORMAT


def test_quiet_and_writing_print_no_lines_unless_a_format_asks() -> None:
    assert run.make_plan(Options(quiet=True)).line_format is None
    assert run.make_plan(Options(write="x.spy")).line_format is None
    assert run.make_plan(Options(write="x.spy", format="%evt.num")).line_format == "%evt.num"


def test_buffers_are_whole_with_v_or_a_chisel() -> None:
    assert not run.make_plan(Options()).display.whole_buffers
    assert run.make_plan(Options(verbose=True)).display.whole_buffers
    assert run.make_plan(Options(chisels=(ChiselRequest("topconns", None),))).display.whole_buffers


def test_scap_cannot_be_written() -> None:
    with pytest.raises(UsageError, match="native format"):
        run.run(Options(write="x.scap"), lambda: False)


def test_a_trace_is_never_written_over_while_it_is_read(tmp_path: Path) -> None:
    trace = write_story(tmp_path / "a.spy")
    before = trace.read_bytes()
    with pytest.raises(UsageError, match="also read"):
        run.run(Options(read=(str(trace),), write=str(trace)), lambda: False)
    assert trace.read_bytes() == before


def test_a_bad_filter_leaves_the_output_file_alone(tmp_path: Path) -> None:
    trace, output = write_story(tmp_path / "a.spy"), tmp_path / "out.spy"
    output.write_bytes(b"precious")
    with pytest.raises(UsageError):
        run.run(Options(read=(str(trace),), write=str(output), words=("proc.nmae=x",)), lambda: False)
    assert output.read_bytes() == b"precious"
