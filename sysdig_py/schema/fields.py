"""The field catalogue: every name a filter, a format or a chisel may use.

One row per field: name, type, flags, one-line meaning. Types are the parameter types of the event
schema. Flags: `F` filter only, `P` display only, `A` argument required, `a` argument optional,
`T` meant for tables, `X` known for the sake of sysdig's filters, and without a value in every stream there is: not
listed but with `-v`. The getters live in `engine/lua/fields/`; a test holds the two lists together.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from functools import cache
from typing import Final

from sysdig_py.schema.events import events, load_data

# class in listings -> (which fields, what they are about)
_CLASSES: Final = (
    ("evt", ("evt", "syscall"), "What happened: time, type, arguments, result and duration of the event."),
    ("process", ("proc", "thread"), "Who did it: the process and thread behind the event, and their ancestors."),
    ("user", ("user",), "The user the process runs as."),
    ("group", ("group",), "The group the process runs as."),
    ("container", ("container",), "The container of the process; `host` outside of any."),
    ("fd", ("fd",), "The file, socket, pipe or other descriptor the event works on."),
    ("fs.path", ("fs",), "The paths of calls that work on the file system by name."),
    ("fdlist", ("fdlist",), "All descriptors of a poll event."),
    ("syslog", ("syslog",), "The message of a write to /dev/log."),
    ("k8s", ("k8s",), "The Kubernetes objects a container belongs to, as its labels tell them."),
    ("mesos", ("mesos", "marathon"), "The Mesos task and the Marathon app a container belongs to."),
    ("span", ("span",), "Spans that programs announce (tracers)."),
    ("evtin", ("evtin",), "Events made during a span."),
    ("util", ("util",), "Helpers for chisels."),
)
_RULE: Final = "-------------------------------"
_NAME_COLUMN: Final = 30
_TEXT_WIDTH: Final = 90
_FLAG_WORDS: Final = {
    "F": "filter only",
    "P": "display only",
    "A": "argument required",
    "a": "argument optional",
    "T": "for tables",
    "X": "never has a value",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field: `name`, value `type`, `flags` and `meaning`."""

    name: str
    type: str
    flags: str
    meaning: str


@cache
def fields() -> dict[str, Field]:
    """Return the catalogue by name, in listing order."""
    return {row[0]: Field(*row) for row in load_data("fields")}


def find(text: str) -> tuple[Field, str | None] | None:
    """Return the field that the whole of `text` names, and its argument (None without one)."""
    table = fields()
    if text in table:
        return table[text], None
    for end in range(len(text) - 1, 0, -1):
        field = table.get(text[:end]) if text[end] in ".[" else None
        if field is not None and ("A" in field.flags or "a" in field.flags):
            argument = _argument(text[end:])
            return (field, argument) if argument is not None else None
    return None


def _argument(text: str) -> str | None:
    if text.startswith("."):
        return text[1:] or None
    return text[1:-1] if text.endswith("]") and len(text) > 2 else None


@cache
def raw_argument_types() -> dict[str, str]:
    """Return parameter name -> type of the first event type that has such a parameter."""
    found: dict[str, str] = {}
    for event in events():
        for param in event.params:
            found.setdefault(param.name, param.type)
    return found


def nearest(text: str) -> str:
    """Return the known field name closest to `text`, or ""."""
    import difflib

    close = difflib.get_close_matches(text, fields(), n=1, cutoff=0.6)
    return close[0] if close else ""


def listing(*, verbose: bool) -> str:
    """Return the fields by class with their meanings; `verbose` adds types and flags."""
    return "\n".join(_class_text(*row, verbose=verbose) for row in _CLASSES)


def markdown() -> str:
    """Return the fields by class as markdown tables."""
    return "".join(_class_table(*row) for row in _CLASSES)


def _class_table(title: str, prefixes: tuple[str, ...], about: str) -> str:
    head = ["", f"## Field Class: {title}", "", about, "", "Name | Type | Description", ":----|:-----|:-----------"]
    rows = [
        f"`{field.name}` | {field.type.upper()} | {field.meaning}"
        for field in fields().values()
        if field.name.split(".", 1)[0] in prefixes and not _is_left_out(field)
    ]
    return "\n".join([*head, *rows]) + "\n"


def _is_left_out(field: Field) -> bool:
    return "T" in field.flags or "X" in field.flags


def _class_text(title: str, prefixes: tuple[str, ...], about: str, *, verbose: bool) -> str:
    lines = [_RULE, f"{'Field Class:':{_NAME_COLUMN}}{title}", *_columns("Description:", about), ""]
    for field in fields().values():
        if field.name.split(".", 1)[0] in prefixes and (verbose or not _is_left_out(field)):
            lines += _columns(field.name, _meaning(field, verbose=verbose))
    return "\n".join(lines) + "\n"


def _meaning(field: Field, *, verbose: bool) -> str:
    if not verbose:
        return field.meaning
    notes = [f"Type: {field.type.upper()}", *(_FLAG_WORDS[f] for f in field.flags if f in _FLAG_WORDS)]
    return f"({', '.join(notes)}) {field.meaning}"


def _columns(name: str, text: str) -> list[str]:
    head, *rest = textwrap.wrap(text, _TEXT_WIDTH)
    indent = " " * _NAME_COLUMN
    first = f"{name:{_NAME_COLUMN}}{head}" if len(name) < _NAME_COLUMN else f"{name}\n{indent}{head}"
    return [first, *(indent + line for line in rest)]
