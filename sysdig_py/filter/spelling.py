"""A filter's tree back to text, part by part."""

from __future__ import annotations

import re
from typing import Final

from sysdig_py.filter import nodes

_LISTS: Final = ("in", "intersects", "pmatch")
_BARE: Final = re.compile(r"[^\s()\"',=!<>]+\Z")


def spell(node: nodes.Node) -> str:
    """Return a filter that means what `node` does."""
    if isinstance(node, nodes.Check):
        return _check(node)
    if isinstance(node, nodes.Not):
        return f"not {_inner(node.item)}"
    return (" and " if isinstance(node, nodes.And) else " or ").join(_inner(item) for item in node.items)


def _inner(node: nodes.Node) -> str:
    return f"({spell(node)})" if isinstance(node, (nodes.And, nodes.Or)) else spell(node)


def _check(check: nodes.Check) -> str:
    left = _operand(check.left)
    if check.op == "exists":
        return f"{left} exists"
    op = check.op if not check.op.isalpha() else f" {check.op} "
    if check.modifier or check.op in _LISTS:
        modifier = f" {check.modifier} " if check.modifier else ""
        return f"{left}{op}{modifier}({', '.join(map(_right, check.right))})"
    return f"{left}{op}{_right(check.right[0])}"


def _right(operand: nodes.Operand) -> str:
    return f"val({operand.name})" if isinstance(operand, nodes.FieldRef) else _operand(operand)


def _operand(operand: nodes.Operand) -> str:
    if isinstance(operand, nodes.Literal):
        return operand.text if _BARE.match(operand.text) else f'"{operand.text}"'
    if isinstance(operand, nodes.FieldRef):
        return operand.name
    if isinstance(operand, nodes.Group):
        return f"({', '.join(map(_operand, operand.items))})"
    return f"{operand.name}({', '.join(map(_operand, operand.args))})"
