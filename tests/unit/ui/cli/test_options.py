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
    assert (options.quiet, options.max_events, options.container_data, options.read) == (True, 5, True, ("A", "B"))


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


def test_print_format_escapes() -> None:
    assert _parse("-p", r"%evt.num\t%evt.type\\").format == "%evt.num\t%evt.type\\"


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
    ],
)
def test_bad_input_is_named(argv: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        _parse(*argv)


def test_help_names_every_option() -> None:
    text = help_text()
    assert all(word in text for word in ("-r", "--write", "-M", "-pc", "doctor"))
