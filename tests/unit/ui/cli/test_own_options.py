"""Subcommands take their own options out of the words and understand sysdig's for the rest."""

import pytest

from sysdig_py.capture.source import CaptureStats
from sysdig_py.errors import UsageError
from sysdig_py.ui.cli import own_options


def test_own_options_are_taken_out_wherever_they_stand() -> None:
    words = ["-r", "x", "--fields", "a,b", "proc.name=y", "--out=z=1", "--json"]
    found, rest = own_options.take(words, ("--fields", "--out"), ("--json",))
    assert found == {"--fields": "a,b", "--out": "z=1", "--json": ""}
    assert rest == ["-r", "x", "proc.name=y"]


def test_nothing_is_taken_behind_two_dashes() -> None:
    assert own_options.take(["--", "--fields"], ("--fields",)) == ({}, ["--", "--fields"])


@pytest.mark.parametrize(
    ("words", "complaint"), [(["--fields"], "needs a value"), (["--fields=a", "--fields=b"], "twice")]
)
def test_what_cannot_be_taken(words: list[str], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        own_options.take(words, ("--fields",))


def test_the_source_and_the_filter() -> None:
    options = own_options.source_options("export", ["-r", "x.spy", "-n5", "proc.name=y", "-U", "cron"], ())
    request = own_options.request(options)
    assert request.filter_text == '(proc.name=y) and not proc.name="cron"'
    assert request.max_events == 5
    assert own_options.request(own_options.source_options("export", ["-r", "x"], ())).filter_text == ""


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["-c", "topprocs"], "export takes of sysdig"),
        (["-w", "x"], "no write"),
        (["-r", "a", "-r", "b"], "one trace"),
        (["--fieldz", "x"], "did you mean --fields"),
        (["--nonsense"], "unknown option"),
    ],
)
def test_options_that_make_no_sense(words: list[str], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        own_options.source_options("export", words, ("--fields",))


def test_losses_are_always_told(capsys: pytest.CaptureFixture[str]) -> None:
    own_options.report(CaptureStats(10, 1000, {"ring full": 3, "other": 0}), {"rows": 7})
    assert capsys.readouterr().err == "7 rows, 10 events read, 3 lost (ring full: 3)\n"
    own_options.report(CaptureStats(10, counted=5, reduced=3), {})
    assert capsys.readouterr().err == "10 events read, 0 lost, 5 only counted (--max-overhead went to step 3 of 4)\n"


def test_no_progress_bar_without_a_terminal() -> None:
    with own_options.progress(own_options.source_options("export", ["-r", "x"], ())) as on_progress:
        on_progress(50.0)
