"""Which event types a filter asks for by name."""

from __future__ import annotations

import re
from typing import Final

from sysdig_py.filter import nodes
from sysdig_py.filter.parser import parse

_IS_TYPE: Final = re.compile(r"evt\.type\.is[.[](\w+)]?$")


def event_types(text: str) -> frozenset[str]:
    """Return the event types that `text` names and an event may have: `evt.type=switch`, not `evt.type!=switch`.

    Raises:
        FilterError: the text does not parse.
    """
    return frozenset(_named(parse(text), wanted=True))


def _named(node: nodes.Node, *, wanted: bool) -> set[str]:
    if isinstance(node, nodes.Check):
        return _of_check(node) if wanted != node.op.startswith("!") else set()
    if isinstance(node, nodes.Not):
        return _named(node.item, wanted=not wanted)
    return set().union(*(_named(item, wanted=wanted) for item in node.items))


def _of_check(check: nodes.Check) -> set[str]:
    if not isinstance(check.left, nodes.FieldRef):
        return set()
    argument = _IS_TYPE.match(check.left.name)
    if argument:
        return {argument[1]}
    if check.left.name != "evt.type":
        return set()
    return {value.text for value in check.right if isinstance(value, nodes.Literal)}
