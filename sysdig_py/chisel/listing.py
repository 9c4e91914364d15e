"""The texts of `-cl` and `-i NAME`, in sysdig's layout."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from itertools import groupby
from typing import Final

from sysdig_py.chisel.describe import Argument, Description
from sysdig_py.chisel.view import Column, View

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


def view_info(view: View) -> str:
    """Return the text of `-i` for a view: what it shows, of what, and its columns and actions."""
    of = ", ".join(name or "the whole machine" for name in view.applies_to) or "nothing by itself"
    facts = [("Shows:", view.view_type), ("For:", of), ("Filter:", view.filter), ("Below:", view.drilldown_target)]
    blocks = [
        f"\nView: {view.name} ({view.id})\n{'-' * LONG_WIDTH}\n",
        *(_row(title, text) for title, text in facts if text),
        *(f"\n{_wrapped(text, '')}" for text in (view.description, *view.tips) if text),
        "\nColumns:\n",
        *(_row(f"  {c.name}", _column(c)) for c in view.columns),
    ]
    if view.actions:
        blocks += ["\nActions:\n", *(_row(f"  {a.hotkey}", f"{a.description}: {a.command}") for a in view.actions)]
    return "".join(blocks)


def _column(column: Column) -> str:
    marks = [word for word, is_so in (("key", column.is_key), ("groups", column.is_groupby_key)) if is_so]
    marks += [f"{column.aggregation} of"] if column.aggregation else []
    return " ".join([*marks, column.field]) + (f": {column.description}" if column.description else "")


def _row(title: str, text: str) -> str:
    lines = _wrapped(text, " " * INDENT)
    return title.ljust(INDENT) + lines.lstrip() if len(title) < INDENT else f"{title}\n{lines}"


def _wrapped(text: str, indent: str) -> str:
    return textwrap.fill(text, LONG_WIDTH, initial_indent=indent, subsequent_indent=indent) + "\n"


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
