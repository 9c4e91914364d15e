"""The filter as a tree: what was written, before any field or value is understood.

Nodes are frozen and carry the offset into the filter text where they began, so that every later
stage can point at its complaint. A kernel predicate is derived from the same tree.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldRef:
    """A field as written, argument included: `proc.aname[2]`, `evt.arg.res`."""

    name: str
    position: int


@dataclass(frozen=True, slots=True)
class Literal:
    """A value as written, escapes resolved; bytes that are no text are surrogate-escaped."""

    text: str
    position: int


@dataclass(frozen=True, slots=True)
class Transform:
    """A transformer applied to operands: `tolower(proc.name)`."""

    name: str
    args: tuple[Operand, ...]
    position: int


@dataclass(frozen=True, slots=True)
class Group:
    """A list of operands given to a transformer: `join(",", (proc.name, proc.exe))`."""

    items: tuple[Operand, ...]
    position: int


Operand = FieldRef | Literal | Transform | Group


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison.

    Attributes:
        left: field or transformer.
        op: operator, `==` already folded into `=`.
        modifier: `oneof`, `anyof`, `allof` or "".
        right: the value; the members for list operators and modifiers; empty for `exists`.
        position: offset of the check.
    """

    left: FieldRef | Transform
    op: str
    modifier: str
    right: tuple[Operand, ...]
    position: int


@dataclass(frozen=True, slots=True)
class Not:
    """Negation; two-valued, so a check on a field without a value becomes true."""

    item: Node


@dataclass(frozen=True, slots=True)
class And:
    """All of `items`; none at all is true (the empty filter)."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of `items`."""

    items: tuple[Node, ...]


Node = Check | Not | And | Or
