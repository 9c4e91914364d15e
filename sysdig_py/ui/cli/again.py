"""The command line that a chisel asked for (`sysdig.run_app`): no more rights than the one the user wrote.

Chisels are untrusted. One that may not open files must not have the program open them in its place.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable

from sysdig_py.errors import ChiselError, SysdigPyError
from sysdig_py.ui.cli.options import ChiselWords, Options, parse


def options_again(words: str, first: Options, chisel_words: ChiselWords) -> Options:
    """Return the options of the run that a chisel asked for.

    Args:
        words: the command line, without the program's name.
        first: the options of the run that the chisel was in.
        chisel_words: how chisels' arguments are told apart (`options.parse`).

    Raises:
        ChiselError: the words are no command line, or ask for what chisels may not do.
    """
    try:
        options = parse(shlex.split(words), chisel_words)
    except (SysdigPyError, ValueError) as error:
        raise ChiselError(f"a chisel asked to run '{words}': {error}") from error
    for refused, why in _REFUSALS:
        if refused(options, first):
            raise ChiselError(f"a chisel asked to run '{words}': {why}")
    return options


def _more_rights(options: Options, first: Options) -> bool:
    return options.allow_io and not first.allow_io


def _writes_elsewhere(options: Options, first: Options) -> bool:
    """Whether a file is written that the user did not name among the chisels' arguments."""
    named = " ".join(chisel.arguments or "" for chisel in first.chisels).split()
    return options.write is not None and options.write not in named and not first.allow_io


_REFUSALS: tuple[tuple[Callable[[Options, Options], bool], str], ...] = (
    (lambda options, _: bool(options.listing), "only the reading of events can be asked for"),
    (_more_rights, "--allow-io is the user's to give"),
    (_writes_elsewhere, "it may write only a file named in its arguments; run with --allow-io to permit it"),
)
