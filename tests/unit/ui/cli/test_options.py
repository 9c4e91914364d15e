"""The command line parser: GNU getopt habits, chisel arguments, clear refusals."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from sysdig_py.errors import UsageError
from sysdig_py.ui.cli.options import ChiselRequest, Options, help_text, parse


def _one_word(name: str, rest: Sequence[str]) -> bool:
    return name == "netlower" and bool(rest)


def _parse(*argv: str) -> Options:
    return parse(argv, _one_word)


def test_glued_short_options_and_values() -> None:
    options = _parse("-qn5", "-pc", "-rA", "-r", "B")
    assert (options.quiet, options.max_events, options.data, options.read) == (True, 5, "container", ("A", "B"))


def test_options_and_filter_words_may_be_mixed() -> None:
    options = _parse("proc.name=cat", "-n", "3", "and", "fd.num", ">", "2")
    assert options.filter_text == "proc.name=cat and fd.num > 2"
    assert options.max_events == 3


def test_two_dashes_end_the_options() -> None:
    assert _parse("-q", "--", "-n", "x").filter_text == "-n x"


def test_chisel_takes_its_argument_only_when_it_wants_one() -> None:
    options = _parse("-c", "netlower", "10", "-c", "topconns", "fd.port=80")
    assert options.chisels == (ChiselRequest("netlower", "10"), ChiselRequest("topconns", None))
    assert options.filter_text == "fd.port=80"


def test_cl_lists_chisels() -> None:
    assert _parse("-cl").listing == "chisels"


def test_long_options_with_and_without_equals_sign() -> None:
    assert _parse("--read=x", "--numevents", "7").max_events == 7


@pytest.mark.parametrize(
    ("argv", "data"), [("-pc", "container"), ("-pcontainer", "container"), ("-pk", "kubernetes"), ("-pmesos", "mesos")]
)
def test_named_formats_say_whose_names_are_shown(argv: str, data: str) -> None:
    assert (_parse(argv).data, _parse(argv).format) == (data, None)


def test_a_format_is_kept_as_written() -> None:
    assert _parse("-p", r"%evt.num\t%evt.type\\").format == r"%evt.num\t%evt.type\\"


def test_pp_asks_for_the_format_in_force_where_it_stands() -> None:
    assert _parse("-pp").listing == "format:"
    assert _parse("-pk", "-pp").listing == "format:kubernetes"
    assert _parse("-pp", "-pk").listing == "format:"


@pytest.mark.parametrize(
    ("argv", "changed"),
    [
        (["-S"], {"summary": True}),
        (["-d"], {"display_only": True}),
        (["--displayflt"], {"display_only": True}),
        (["-R"], {"service_names": True}),
        (["-E"], {"user_names": False}),
        (["-D"], {"debug": True}),
        (["-P"], {"progress": True}),
        (["-U", "cron", "-Usshd"], {"suppressed": ("cron", "sshd")}),
        (["-F"], {}),
        (["-z"], {"compress": True}),
        (["-C1.5"], {"file_size": 1_500_000}),
        (["-G", "60", "-W", "3"], {"file_seconds": 60.0, "file_count": 3}),
        (["-e", "1000"], {"file_events": 1000}),
        (["--last", "5m", "--dump-when", "evt.failed=true"], {"last": 300.0, "dump_when": "evt.failed=true"}),
        (["--last=500ms"], {"last": 0.5}),
        (["--max-overhead", "2.5"], {"max_overhead": 2.5}),
        (["--max-overhead=100"], {"max_overhead": 100.0}),
        (["-L"], {"listing": "events"}),
        (["--list-events"], {"listing": "events"}),
        (["--list-markdown"], {"listing": "markdown"}),
        (["-lv"], {"listing": "fields", "verbose": True}),
    ],
)
def test_each_option_changes_its_own_entry(argv: list[str], changed: dict[str, object]) -> None:
    assert _parse(*argv) == Options(**changed)  # type: ignore[arg-type]


def test_displayflt_takes_no_argument() -> None:
    assert _parse("-d", "evt.num=1").filter_text == "evt.num=1"


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["-Z"], "unknown option -Z"),
        (["--quite"], "did you mean --quiet"),
        (["--quiet=1"], "takes no value"),
        (["-n"], "option -n needs N"),
        (["-n", "many"], "not 'many'"),
        (["-n", "0"], "at least 1"),
        (["-M", "nan"], "seconds above 0"),
        (["-t", "z"], "one of a h r d D"),
        (["-x", "-A"], "more than one output format"),
        *(
            (["--max-overhead", bad], f"above 0 and up to 100, not '{bad}'")
            for bad in ("0", "-1", "abc", "101", "nan", "")
        ),
        (["--max-overhead"], "option --max-overhead needs PCT"),
    ],
)
def test_bad_input_is_named(argv: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        _parse(*argv)


def test_help_names_every_option() -> None:
    text = help_text()
    assert all(word in text for word in ("-r", "--write", "-M", "-pc", "--summary", "doctor"))
