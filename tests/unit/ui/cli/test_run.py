"""From options to a plan, and what is refused before a file is touched."""

from pathlib import Path

import pytest

from sysdig_py.errors import UsageError
from sysdig_py.ui.cli import run
from sysdig_py.ui.cli.options import ChiselRequest, Options
from tests.traces import write_story


def test_the_filter_is_for_capture_or_with_d_for_display() -> None:
    plan = run.make_plan(Options(words=("evt.num>3",)))
    assert (plan.filter_text, plan.display_filter) == ("evt.num>3", "")
    plan = run.make_plan(Options(words=("evt.num>3",), display_only=True))
    assert (plan.filter_text, plan.display_filter) == ("", "evt.num>3")


def test_suppressed_processes_are_filtered_out_whatever_the_filter_says() -> None:
    options = Options(words=("evt.num=1 or evt.num=2",), suppressed=("cron", "sshd"))
    assert run.make_plan(options).filter_text == (
        '(evt.num=1 or evt.num=2) and not proc.name="cron" and not proc.name="sshd"'
    )
    assert run.make_plan(Options(suppressed=("cron",))).filter_text == 'not proc.name="cron"'


def test_options_reach_the_display() -> None:
    display = run.make_plan(Options(service_names=True, user_names=False, debug=True)).display
    assert (display.service_names, display.user_names, display.internal_events) == (True, False, True)


def test_several_traces_are_not_written_into_one(tmp_path: Path) -> None:
    trace = str(write_story(tmp_path / "a.spy"))
    with pytest.raises(UsageError, match="one trace"):
        run.run(Options(read=(trace, trace), write=str(tmp_path / "b.spy")), lambda: False)


def test_quiet_and_writing_print_no_lines_unless_a_format_asks() -> None:
    assert run.make_plan(Options(quiet=True)).line_format is None
    assert run.make_plan(Options(write="x.spy")).line_format is None
    assert run.make_plan(Options(write="x.spy", format="%evt.num")).line_format == "%evt.num"


def test_buffers_are_whole_with_v_or_a_chisel() -> None:
    assert not run.make_plan(Options()).display.whole_buffers
    assert run.make_plan(Options(verbose=True)).display.whole_buffers
    assert run.make_plan(Options(chisels=(ChiselRequest("topconns", None),))).display.whole_buffers


@pytest.mark.parametrize(("name", "starts"), [("x.scap", b"\x0a\x0d"), ("x.scap.gz", b"\x1f\x8b"), ("x", b"\x8fSPY")])
def test_the_name_says_which_format_is_written(tmp_path: Path, name: str, starts: bytes) -> None:
    trace = write_story(tmp_path / "a.spy")
    run.run(Options(read=(str(trace),), write=str(tmp_path / name)), lambda: False)
    assert (tmp_path / name).read_bytes().startswith(starts)


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
