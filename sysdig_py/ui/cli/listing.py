"""What the command line lists and describes: fields, events and chisels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Final

from sysdig_py.chisel.registry import Registry
from sysdig_py.errors import FilterError, UsageError

if TYPE_CHECKING:
    from sysdig_py.chisel.describe import Describer, Description
    from sysdig_py.schema.events import EventType

_TYPE_NAMES: Final = {"dyn": "DYNAMIC"}
_UNUSED: Final = 64
_OLD_VERSION: Final = 512
_INTERNAL: Final = 256


@cache
def registry() -> Registry:
    """Return the chisels that can be reached, looked up once."""
    return Registry()


def _describer() -> Describer:
    from sysdig_py.chisel.describe import describer

    return describer(registry())


def field_list(*, verbose: bool) -> str:
    """Return the text of `-l`."""
    from sysdig_py.schema import fields

    return fields.listing(verbose=verbose)


def field_markdown() -> str:
    """Return the text of `--list-markdown`."""
    from sysdig_py.schema import fields

    return fields.markdown()


def event_list() -> str:
    """Return the text of `-L`: the current version of every event, `>` calls and `<` returns."""
    from sysdig_py.schema import events

    return "".join(_event_line(event) for event in events.events() if _is_listed(event))


def _is_listed(event: EventType) -> bool:
    return not event.flags & (_OLD_VERSION | _UNUSED) and not event.category & _INTERNAL


def _event_line(event: EventType) -> str:
    params = ", ".join(f"{_TYPE_NAMES.get(p.type, p.type.upper())} {p.name}" for p in event.params)
    return f"{'<' if event.is_exit else '>'} {event.name}({params})\n"


def chisel_list() -> str:
    """Return the text of `-cl`."""
    from sysdig_py.chisel import listing as chisel_texts

    return chisel_texts.chisel_list(_describer().all())


def chisel_info(name: str) -> str:
    """Return the text of `-i NAME`; a view is found by its file's name with or without `v_`.

    Raises:
        UsageError: there is no such chisel.
    """
    from sysdig_py.chisel import listing as chisel_texts
    from sysdig_py.chisel.describe import describer

    known = registry()
    script = known.find(name if known.has(name) or not known.has(f"v_{name}") else f"v_{name}")
    description = describer(known).describe(script)
    if description.is_view:
        return chisel_texts.view_info(describer(known).view(script))
    return chisel_texts.chisel_info(description)


def chisel_wants_word(name: str, rest: Sequence[str]) -> bool:
    """Return whether the first of the words after `-c NAME` is the chisel's argument string.

    Raises:
        UsageError: there is no such chisel, or a mandatory argument is missing.
    """
    from sysdig_py.chisel import arguments

    description = _describe(name)
    if description.is_view:
        raise UsageError(f"{name} is a view: it describes a table, and prints none; -i {name} shows it")
    return arguments.wants_next_word(description, rest, _is_filter)


def _describe(name: str) -> Description:
    return _describer().find(name)


def _is_filter(text: str) -> bool:
    from sysdig_py import filter as event_filter

    try:
        event_filter.compile(text)
    except FilterError:
        return False
    return True
