"""A second opinion: filters over plain Python values, written from the rules and not from the compiler."""

from __future__ import annotations

import fnmatch
import ipaddress
import operator
from collections.abc import Callable
from typing import Any

from sysdig_py.filter import nodes

Values = dict[str, Any]
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_TEXT: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda v, c: c in v,
    "icontains": lambda v, c: c.lower() in v.lower(),
    "startswith": str.startswith,
    "endswith": str.endswith,
    "glob": fnmatch.fnmatchcase,
    "pmatch": lambda v, c: (v == c != "/") or v.startswith(c.rstrip("/") + "/"),
}


def evaluate(node: nodes.Node, values: Values) -> bool:
    """Whether the filter holds; a field that is not in `values`, or None, has no value."""
    if isinstance(node, nodes.Not):
        return not evaluate(node.item, values)
    if isinstance(node, nodes.Check):
        return _check(node, values)
    return (all if isinstance(node, nodes.And) else any)(evaluate(item, values) for item in node.items)


def _check(check: nodes.Check, values: Values) -> bool:
    value = values.get(check.left.name)
    sides = [v for v in value if v is not None] if isinstance(value, tuple) else [value] if value is not None else []
    if not sides:
        return False
    if check.op == "exists":
        return True
    constants = [item.text for item in check.right if isinstance(item, nodes.Literal)]
    if check.modifier:
        hits = [_compare(check.op, sides, constant) for constant in constants]
        return {"oneof": hits.count(True) == 1, "anyof": any(hits), "allof": bool(hits) and all(hits)}[check.modifier]
    if check.op in ("in", "intersects"):
        return any(_compare("=", sides, constant) for constant in constants)
    if check.op == "pmatch":
        return any(_compare("pmatch", sides, constant) for constant in constants)
    return _compare(check.op, sides, constants[0])


def _compare(op: str, sides: list[Any], constant: str) -> bool:
    if op == "!=":
        return not any(_one("=", side, constant) for side in sides)
    return any(_one(op, side, constant) for side in sides)


def _one(op: str, value: Any, constant: str) -> bool:
    if isinstance(value, str):
        return value == constant if op == "=" else _TEXT[op](value, constant)
    other = _like(value, constant)
    return bool(_equal(value, other)) if op == "=" else _ORDER[op](value, other)


def _like(value: Any, constant: str) -> Any:
    if isinstance(value, bool):
        return constant == "true"
    if isinstance(value, bytes):
        return ipaddress.ip_network(constant, strict=False)
    return int(constant)


def _equal(value: Any, other: Any) -> bool:
    return ipaddress.ip_address(value) in other if isinstance(value, bytes) else value == other
