"""Meaning of checks: fields exist, operators fit them, values are understood.

Takes the parser's nodes one check at a time and gives typed checks that can be turned into code
without any further question. Every error names the position and what was expected.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NoReturn

from sysdig_py.errors import FilterError
from sysdig_py.filter import nodes
from sysdig_py.filter.values import (
    KIND_OPERATORS,
    Constant,
    Kind,
    check_event_name,
    convert,
    hex_bytes,
    kind_of,
    text_bytes,
)
from sysdig_py.schema.fields import Field, find, nearest, raw_argument_types

_MAX_ARGUMENT: Final = 2**63 - 1
_ANY_ANCESTOR: Final = (
    "proc.aname",
    "proc.apid",
    "proc.aexe",
    "proc.aexepath",
    "proc.acmdline",
    "proc.aargs",
    "proc.aenv",
)
_EVENT_NAME_FIELDS: Final = ("evt.type", "syscall.type")
_CONSTANT_ONLY: Final = ("glob", "iglob", "regex", "pmatch", "icontains", "bcontains", "bstartswith")
# name -> (kinds it takes, kind it gives, fewest and most arguments)
_TEXTS: Final = (Kind.TEXT, Kind.BYTES)
_TRANSFORMERS: Final[dict[str, tuple[tuple[Kind, ...], Kind, int, int]]] = {
    "tolower": ((Kind.TEXT,), Kind.TEXT, 1, 1),
    "toupper": ((Kind.TEXT,), Kind.TEXT, 1, 1),
    "b64": (_TEXTS, Kind.TEXT, 1, 1),
    "basename": ((Kind.TEXT,), Kind.TEXT, 1, 1),
    "len": (_TEXTS, Kind.NUMBER, 1, 1),
    "concat": ((Kind.TEXT,), Kind.TEXT, 2, 100),
    "join": ((Kind.TEXT,), Kind.TEXT, 2, 2),
}


@dataclass(frozen=True, slots=True)
class FieldValue:
    """The value of a field; `any_of` when it stands for several: every ancestor's, every running span's."""

    name: str
    kind: Kind
    type: str
    any_of: bool = False


@dataclass(frozen=True, slots=True)
class Computed:
    """The result of a transformer; constants among the arguments are bytes."""

    function: str
    args: tuple[FieldValue | Computed | bytes, ...]
    kind: Kind


Value = FieldValue | Computed


@dataclass(frozen=True, slots=True)
class TypedCheck:
    """A check that is known to make sense; `right` has the members of list operators."""

    left: Value
    op: str
    modifier: str
    right: tuple[Constant | Value, ...]


def fields_of(check: TypedCheck) -> list[str]:
    """Return the names of the fields that a check asks."""
    return [name for value in (check.left, *check.right) for name in _names(value)]


def _names(value: object) -> list[str]:
    if isinstance(value, FieldValue):
        return [value.name]
    if isinstance(value, Computed):
        return [name for arg in value.args for name in _names(arg)]
    return []


def typed(check: nodes.Check, text: str) -> TypedCheck:
    """Return the meaning of `check`; raises FilterError for what has none."""
    return _Typer(text).check(check)


class _Typer:
    def __init__(self, text: str) -> None:
        self._text = text

    def _fail(self, message: str, position: int) -> NoReturn:
        raise FilterError(f"filter error at position {position}: {message}", self._text, position)

    def check(self, check: nodes.Check) -> TypedCheck:
        left = self._value(check.left, is_left=True)
        self._operator(left, check)
        right = tuple(self._right(left, check, item) for item in check.right)
        return TypedCheck(left, check.op, check.modifier, right)

    def _operator(self, left: Value, check: nodes.Check) -> None:
        allowed = KIND_OPERATORS[left.kind]
        if isinstance(left, FieldValue) and left.name.startswith("evt.around"):
            allowed = frozenset("=")
        if check.op not in allowed:
            kind = left.kind.value
            self._fail(f"'{check.op}' does not work on {check.left.name}, which is {kind}", check.position)

    def _value(self, node: nodes.FieldRef | nodes.Transform, *, is_left: bool) -> Value:
        if isinstance(node, nodes.Transform):
            return self._computed(node)
        found = find(node.name)
        if found is None:
            self._unknown(node)
        field, argument = found
        self._argument(node, field, argument)
        any_of = (field.name in _ANY_ANCESTOR and argument is None) or field.name.startswith("evtin.")
        type_name = raw_argument_types()[argument or ""] if field.name == "evt.rawarg" else field.type
        return FieldValue(node.name, kind_of(type_name), type_name, any_of and is_left)

    def _unknown(self, node: nodes.FieldRef) -> NoReturn:
        guess = nearest(node.name)
        hint = f"; did you mean {guess}?" if guess else "; -l lists the fields"
        self._fail(f"unrecognized field {node.name}{hint}", node.position)

    def _argument(self, node: nodes.FieldRef, field: Field, argument: str | None) -> None:
        try:
            _check_argument(field, argument)
        except ValueError as error:
            self._fail(str(error), node.position)

    def _computed(self, node: nodes.Transform) -> Computed:
        if node.name not in _TRANSFORMERS:
            self._fail(f"the transformer {node.name} is not supported", node.position)
        takes, gives, fewest, most = _TRANSFORMERS[node.name]
        args = self._flatten(node) if node.name == "join" else node.args
        if not fewest <= len(node.args) <= most:
            self._fail(f"{node.name}() takes {fewest} argument{'s' * (fewest > 1)}", node.position)
        return Computed(node.name, tuple(self._operand(node, arg, takes) for arg in args), gives)

    def _flatten(self, node: nodes.Transform) -> tuple[nodes.Operand, ...]:
        if len(node.args) != 2 or not isinstance(node.args[1], nodes.Group):
            self._fail("join() takes a separator and a list: join(',', (a, b))", node.position)
        return (node.args[0], *node.args[1].items)

    def _operand(self, node: nodes.Transform, arg: nodes.Operand, takes: tuple[Kind, ...]) -> Value | bytes:
        if isinstance(arg, nodes.Literal):
            return text_bytes(arg.text)
        if isinstance(arg, nodes.Group):
            self._fail(f"{node.name}() takes no list here", arg.position)
        value = self._value(arg, is_left=False)
        if value.kind not in takes:
            self._fail(f"{node.name}() takes {takes[0].value}, {arg.name} is {value.kind.value}", arg.position)
        return value

    def _right(self, left: Value, check: nodes.Check, item: nodes.Operand) -> Constant | Value:
        if isinstance(item, nodes.Group):
            self._fail(f"{check.op} takes no list here", item.position)
        if isinstance(item, nodes.Literal):
            return self._constant(left, check, item)
        value = self._value(item, is_left=False)
        if check.op in _CONSTANT_ONLY or left.kind is Kind.NET:
            self._fail(f"the right side of {check.op} must be a constant here", item.position)
        if value.kind is not left.kind:
            self._fail(f"{item.name} is {value.kind.value}, expected {left.kind.value}", item.position)
        return value

    def _constant(self, left: Value, check: nodes.Check, item: nodes.Literal) -> Constant:
        type_name = left.type if isinstance(left, FieldValue) else ""
        try:
            if check.op in ("bcontains", "bstartswith"):
                return hex_bytes(item.text)
            constant = convert(left.kind, type_name, item.text)
            if type_name and _names_event(left, check.op):
                check_event_name(item.text)
        except ValueError as error:
            self._fail(str(error), item.position)
        return constant


def _names_event(left: Value, op: str) -> bool:
    return isinstance(left, FieldValue) and left.name in _EVENT_NAME_FIELDS and op in ("=", "!=", "in", "intersects")


def _check_argument(field: Field, argument: str | None) -> None:
    """Raise ValueError when `argument` does not suit `field`."""
    if "P" in field.flags:
        raise ValueError(f"{field.name} is for display only and cannot be used in a filter")
    if "A" in field.flags and argument is None:
        raise ValueError(f"{field.name} needs an argument")
    rule = _ARGUMENT_RULES.get(field.name)
    if rule is not None and argument is not None:
        rule(argument)


def _raw_argument(argument: str) -> None:
    if argument not in raw_argument_types():
        raise ValueError(f"unknown event argument {argument}")


def _event_type(argument: str) -> None:
    if not argument.isascii() or not argument.isdigit():
        check_event_name(argument)


def _whole_number(argument: str) -> None:
    if not argument.isascii() or not argument.isdigit() or int(argument[:30]) > _MAX_ARGUMENT:
        raise ValueError(f"the argument must be a whole number, not {argument}")


def _path_variant(argument: str) -> None:
    if argument not in ("src", "dst"):
        raise ValueError(f"evt.abspath takes .src or .dst, not .{argument}")


_ARGUMENT_RULES: Final[dict[str, Callable[[str], None]]] = {
    "evt.rawarg": _raw_argument,
    "evt.type.is": _event_type,
    "evt.around": _whole_number,
    "evt.abspath": _path_variant,
    **dict.fromkeys(_ANY_ANCESTOR[:-1], _whole_number),
    "fd.types": _whole_number,
}
