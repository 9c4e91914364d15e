"""The argument string of a chisel: whether there is one, how it is split, how many words fit."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from sysdig_py.chisel.describe import Argument, Description
from sysdig_py.errors import UsageError

# A word is bare, or holds one region between equal quotes (' or `) whose blanks do not split.
_WORD: Final = re.compile(r"(?P<head>[^ '`]*)(?:(?P<quote>['`])(?P<quoted>.*?)(?P=quote)(?P<tail>[^ '`]*))?(?: |$)")


def wants_next_word(chisel: Description, words_left: Sequence[str], compiles_as_filter: Callable[[str], bool]) -> bool:
    """Decide whether the first of the words after `-c NAME` is the chisel's argument string.

    Args:
        chisel: what the chisel says about its arguments.
        words_left: the words after the chisel's name.
        compiles_as_filter: tells whether a text is a valid filter.

    Raises:
        UsageError: an argument is mandatory and no word is left.
    """
    if not chisel.args:
        return False
    if any(not argument.optional for argument in chisel.args):
        if not words_left:
            raise UsageError(f"missing arguments for chisel {chisel.name}")
        return True
    if not words_left or words_left[0].startswith("-"):
        return False
    if _is_one_filter(chisel.args):
        return True
    return not compiles_as_filter(" ".join(words_left))


def split(chisel_name: str, text: str) -> list[str]:
    """Split an argument string at single blanks; quotes keep blanks and vanish.

    Raises:
        UsageError: a quote is not closed.
    """
    text, words, position = text.strip(), [], 0
    while position < len(text):
        match = _WORD.match(text, position)
        if match is None or match.end() == position:
            raise UsageError(f"corrupted parameters for chisel {chisel_name}")
        words.append(match["head"] + (match["quoted"] or "") + (match["tail"] or ""))
        position = match.end()
    return words


def bind(chisel: Description, text: str | None) -> list[str]:
    """Return the values for the chisel's arguments, in their order.

    Raises:
        UsageError: there are too few or too many words.
    """
    words = split(chisel.name, text) if text is not None else []
    required = sum(not argument.optional for argument in chisel.args)
    if text is None and required:
        raise UsageError(f"missing arguments for chisel {chisel.name}")
    if len(words) < required:
        raise UsageError(
            f"wrong number of parameters for chisel {chisel.name}, {required} required, {len(words)} given"
        )
    if len(words) > len(chisel.args):
        raise UsageError(
            f"too many parameters for chisel {chisel.name}, {required} required,"
            f" {len(chisel.args) - required} optional, {len(words)} given"
        )
    return words


def _is_one_filter(args: tuple[Argument, ...]) -> bool:
    return len(args) == 1 and args[0].argtype == "filter"
