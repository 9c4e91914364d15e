"""The texts of `-cl` and `-i NAME`, in sysdig's layout."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Final

from sysdig_py.chisel.describe import Argument, Description

INDENT: Final = 16
SHORT_WIDTH: Final = 63
LONG_WIDTH: Final = 79
HINT: Final = "Use the -i flag to get detailed information about a specific chisel"


def chisel_list(chisels: Iterable[Description]) -> str:
    """Return the text of `-cl`: the chisels that want to be listed, by category and name."""
    listed = sorted((c for c in chisels if c.is_listed), key=lambda c: (c.category, c.name))
    blocks = [
        _category(category) + "".join(_summary(chisel) for chisel in group)
        for category, group in groupby(listed, key=lambda c: c.category)
    ]
    return "".join(blocks) + f"\n{HINT}\n"


def chisel_info(chisel: Description) -> str:
    """Return the text of `-i`: category, summary, description and arguments."""
    description = "".join(f"{line}\n" for line in _cut(chisel.description, LONG_WIDTH))
    args = "".join(_argument(a) for a in chisel.args) + "\n" if chisel.args else "(None)\n"
    return f"{_category(chisel.category)}{_summary(chisel)}\n{description}Args:\n{args}"


def _category(category: str) -> str:
    title = f"Category: {category}"
    return f"\n{title}\n{'-' * len(title)}\n"


def _summary(chisel: Description) -> str:
    name = chisel.name.ljust(INDENT) if len(chisel.name) < INDENT else f"{chisel.name}\n{' ' * INDENT}"
    return name + _indented(chisel.short_description)


def _argument(argument: Argument) -> str:
    return _indented(f"[{argument.argtype}] {argument.name} - {argument.description}")


def _indented(text: str) -> str:
    return f"\n{' ' * INDENT}".join(_cut(text, SHORT_WIDTH)) + "\n"


def _cut(text: str, width: int) -> list[str]:
    """Cut hard at `width`, in the middle of words too: the layout is sysdig's."""
    return [text[i : i + width] for i in range(0, len(text), width)] or [""]
