"""Filters: text -> tree -> Lua source.

`compile` accepts sysdig's filter language (`not` before `and` before `or`) and either returns a
`CompiledFilter` or raises `FilterError`; no other exception leaves this package.
"""

from __future__ import annotations

from dataclasses import dataclass

from sysdig_py.errors import FilterError
from sysdig_py.filter import nodes
from sysdig_py.filter.emit import Emitter
from sysdig_py.filter.parser import parse
from sysdig_py.filter.semantics import fields_of, typed

__all__ = ["CompiledFilter", "compile", "source_of"]


@dataclass(frozen=True, slots=True)
class CompiledFilter:
    """A filter ready for the engine.

    Attributes:
        text: the filter as given.
        ast: its tree.
        lua_source: a chunk that takes `filter_rt` and returns the predicate, and what the event type decides of it.
        fields: every field it reads, as written.
    """

    text: str
    ast: nodes.Node
    lua_source: str
    fields: frozenset[str]


def compile(text: str) -> CompiledFilter:
    """Return the compiled filter; an empty text accepts everything.

    Raises:
        FilterError: the text does not parse or does not make sense; has the position.
    """
    _check_text(text)
    try:
        ast = parse(text)
        checks = {id(node): typed(node, text) for node in _checks(ast)}
        source = Emitter(text, checks).chunk(ast)
    except RecursionError:
        raise FilterError("filter error at position 0: nested too deeply", text) from None
    names: frozenset[str] = frozenset(name for check in checks.values() for name in fields_of(check))
    return CompiledFilter(text, ast, source, names)


def source_of(check: nodes.Check, text: str) -> str:
    """Return the Lua source of a single check of the filter `text`."""
    return Emitter(text, {id(check): typed(check, text)}).chunk(check)


def _check_text(text: str) -> None:
    for position, char in enumerate(text):
        if "\ud800" <= char <= "\udfff" and not "\udc80" <= char <= "\udcff":
            raise FilterError(f"filter error at position {position}: not a character", text, position)


def _checks(node: nodes.Node) -> list[nodes.Check]:
    if isinstance(node, nodes.Check):
        return [node]
    items = (node.item,) if isinstance(node, nodes.Not) else node.items
    return [check for item in items for check in _checks(item)]
