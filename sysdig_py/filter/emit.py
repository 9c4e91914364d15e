"""Typed checks to Lua source: one chunk that LuaJIT compiles well.

The chunk has the shape `local rt = ... <locals> return function() return <expression> end, <another>, <a third>,
{<names>}`: the predicate, what the event type alone decides of it (true where it does not), what that and the type of
the event's fd decide (nil: no more), and the fields it asks. Getters,
sets and automata become locals made once; constants stand inline; nothing is created per event.
Lua allows 60 outer locals per function and 200 nested expressions, so what exceeds a local budget
lives in the table `T`, and deep or long groups become functions of their own there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sysdig_py.errors import FilterError
from sysdig_py.filter import nodes
from sysdig_py.filter.automaton import ANYTHING, Alt, Automaton, Cat, Pattern, build, fold_case, literal
from sysdig_py.filter.glob import glob, path_prefix
from sysdig_py.filter.regex import regex
from sysdig_py.filter.semantics import Computed, FieldValue, TypedCheck, Value, fields_of
from sysdig_py.filter.values import Constant, Kind, Network

_MAX_LOCALS: Final = 40
_HOIST_DEPTH: Final = 10
_MAX_CHAIN: Final = 100
_PAIR_FIELDS: Final = frozenset(("fd.ip", "fd.port", "fd.proto", "fd.net"))
# each occurrence keeps its own memory of earlier events
_STATEFUL: Final = ("evt.deltatime", "thread.exectime", "thread.totexectime", "thread.cpu")
# fields that the event type decides; so do all evt.type.is
_ABOUT_TYPE: Final = frozenset(
    (
        "evt.type",
        "evt.dir",
        "syscall.type",
        "evt.is_io",
        "evt.is_io_read",
        "evt.is_io_write",
        "evt.is_wait",
        "evt.io_dir",
    )
)
# fields that event type and fd type decide together
_ABOUT_FD: Final = frozenset(("fd.type", "fd.sockfamily"))
# fields that tell of the result: the same for all events that have none
_ABOUT_RESULT: Final = frozenset(
    (
        "evt.failed",
        "evt.res",
        "evt.rawres",
        *(f"evt.buflen{suffix}{way}" for suffix in ("", ".file", ".net") for way in ("", ".in", ".out")),
    )
)
_FUNCTIONS: Final = {
    "=": "eq",
    "!=": "ne",
    "<": "lt",
    "<=": "le",
    ">": "gt",
    ">=": "ge",
    "contains": "contains",
    "bcontains": "contains",
    "startswith": "startswith",
    "bstartswith": "startswith",
    "endswith": "endswith",
}
_MEMBERSHIP: Final = ("in", "intersects")
_WILD: Final = frozenset(b"*?[\\")


def lua_string(value: bytes) -> str:
    """Return `value` as a Lua string literal."""
    return '"' + "".join(_lua_char(b) for b in value) + '"'


def _lua_char(byte: int) -> str:
    if byte in (0x22, 0x5C):
        return "\\" + chr(byte)
    return chr(byte) if 0x20 <= byte < 0x7F else f"\\{byte:03d}"


class Emitter:
    """Collects the locals of one chunk while expressions are made."""

    def __init__(self, text: str, checks: dict[int, TypedCheck]) -> None:
        """Use `checks`, the meaning of every check node of `text` by its identity."""
        self._text = text
        self._checks = checks
        self._lines: list[str] = []
        self._names: dict[str, str] = {}
        self._count = 0
        self._is_cut = False  # whether what the event type decides was not followed to the end

    def chunk(self, node: nodes.Node) -> str:
        """Return the whole chunk for `node`."""
        remembers = any(_is_stateful(check) for check in self._checks.values())
        expression, of_type, of_fd = self._node(node, 0), "true", "nil"
        if not remembers:
            of_type = self._decided(node, _ABOUT_TYPE, True, 0)
            known = self._decided(node, _ABOUT_TYPE | _ABOUT_FD, True, 0)
            of_fd = "nil" if known == of_type else f"function() return {known} end"
        names = sorted({name for check in self._checks.values() for name in fields_of(check)})
        fields = ",".join(lua_string(name.encode("utf-8", "surrogateescape")) for name in names)
        # decided by the type alone: one function is both
        decided = not self._is_cut and all(_is_about_type(_only_field(check)) for check in self._checks.values())
        may = "accepts" if decided else f"function() return {of_type} end"
        predicates = f"local accepts = function() return {expression} end"
        result = f"return accepts, {may}, {of_fd}, {{{fields}}}"
        return "\n".join(["local rt = ...", "local T = {}", *self._lines, predicates, result])

    def _decided(self, node: nodes.Node, known: frozenset[str], unknown: bool, depth: int) -> str:
        """Return what the `known` fields decide of `node`; what they do not decide counts as `unknown`."""
        undecided = str(unknown).lower()
        if isinstance(node, nodes.Check):
            return self._decided_check(node, known, unknown)
        if depth >= _HOIST_DEPTH:
            self._is_cut = True
            return undecided
        if isinstance(node, nodes.Not):
            return f"not ({self._decided(node.item, known, not unknown, depth + 1)})"
        if len(node.items) > _MAX_CHAIN:
            self._is_cut = True
            return undecided
        neutral, deciding = ("true", "false") if isinstance(node, nodes.And) else ("false", "true")
        parts = {self._decided(item, known, unknown, depth + 1): None for item in node.items}
        parts.pop(neutral, None)
        if deciding in parts:
            return deciding
        return "(" + f" {'and' if neutral == 'true' else 'or'} ".join(parts) + ")" if parts else neutral

    def _decided_check(self, node: nodes.Check, known: frozenset[str], unknown: bool) -> str:
        name = _only_field(self._checks[id(node)])
        if name in known or _is_about_type(name):
            return self._at(node)
        if name in _ABOUT_RESULT:
            return f"(rt.is_exit() or {self._at(node)})" if unknown else f"(not rt.is_exit() and {self._at(node)})"
        return str(unknown).lower()

    def _declare(self, code: str, *, in_table: bool = False, shared: bool = True) -> str:
        if shared and code in self._names:
            return self._names[code]
        self._count += 1
        local = not in_table and self._count <= _MAX_LOCALS
        name = f"k{self._count}" if local else f"T[{self._count}]"
        self._lines.append(f"local {name} = {code}" if local else f"{name} = {code}")
        if shared:
            self._names[code] = name
        return name

    def _node(self, node: nodes.Node, depth: int) -> str:
        if isinstance(node, nodes.Check):
            return self._at(node)
        if isinstance(node, nodes.Not):
            return f"not ({self._node(node.item, depth + 1)})"
        if not node.items:
            return "true" if isinstance(node, nodes.And) else "false"
        word = " and " if isinstance(node, nodes.And) else " or "
        hoisted = depth >= _HOIST_DEPTH
        inner = 0 if hoisted else depth + 1
        text = self._chain([self._operand(item, inner) for item in node.items], word)
        return self._hoist(text) if hoisted else text

    def _at(self, node: nodes.Check) -> str:
        try:
            return self._check(self._checks[id(node)])
        except ValueError as error:  # a pattern that is wrong or too large
            message = f"filter error at position {node.position}: {error}"
            raise FilterError(message, self._text, node.position) from None

    def _operand(self, node: nodes.Node, depth: int) -> str:
        text = self._node(node, depth)
        return f"({text})" if isinstance(node, (nodes.And, nodes.Or)) else text

    def _hoist(self, expression: str) -> str:
        return self._declare(f"function() return {expression} end", in_table=True) + "()"

    def _chain(self, parts: Sequence[str], word: str) -> str:
        while len(parts) > _MAX_CHAIN:
            groups = [parts[i : i + _MAX_CHAIN] for i in range(0, len(parts), _MAX_CHAIN)]
            parts = [self._hoist(word.join(group)) for group in groups]
        return word.join(parts)

    def _check(self, check: TypedCheck) -> str:
        if isinstance(check.left, FieldValue) and check.left.name.startswith("evt.around["):
            return f"rt.around({check.left.name[11:-1]}LL, {_number(check.right[0])})"
        if check.op == "exists":
            return self._apply(check.left, "exists", "nil")
        if check.modifier:
            return self._modified(check)
        if check.op in _MEMBERSHIP:
            return self._membership(check.left, check.right)
        if check.op == "pmatch":
            return self._paths(check.left, check.right)
        return self._single(check.left, check.op, check.right[0])

    def _modified(self, check: TypedCheck) -> str:
        parts = [f"({self._single(check.left, check.op, item)})" for item in check.right]
        if not parts:
            return "false"
        if check.modifier == "oneof":
            return "(" + self._sum([f"rt.one{part}" for part in parts]) + " == 1)"
        return "(" + self._chain(parts, " or " if check.modifier == "anyof" else " and ") + ")"

    def _sum(self, parts: Sequence[str]) -> str:
        return self._chain(parts, " + ")

    def _membership(self, left: Value, right: Sequence[Constant | Value]) -> str:
        simple = left.kind is not Kind.NET and not _is_wide(left, right)
        if not simple or any(isinstance(item, (FieldValue, Computed)) for item in right):
            parts = [self._single(left, "=", item) for item in right]
            return "(" + self._chain(parts, " or ") + ")" if parts else "false"
        if not right:
            return "false"
        keys = ",".join(f"[{self._constant(item)}]=true" for item in right)
        return self._apply(left, "member", self._declare("{" + keys + "}"))

    def _paths(self, left: Value, right: Sequence[Constant | Value]) -> str:
        paths = [item for item in right if isinstance(item, bytes)]
        if not paths:
            return "false"
        return self._match(left, Alt(tuple(path_prefix(path) for path in paths)))

    def _single(self, left: Value, op: str, right: Constant | Value) -> str:
        if op in ("glob", "iglob", "regex", "icontains") and isinstance(right, bytes):
            return self._pattern(left, op, right)
        wide = _is_wide(left, [right])
        if isinstance(right, Network):
            constant = self._declare(f"rt.network({lua_string(right.address)}, {right.bits})")
            return self._apply(left, "not_in_network" if op == "!=" else "in_network", constant)
        constant = self._constant(right) + ("ULL" if wide else "")
        return self._apply(left, _FUNCTIONS[op], constant, wide=wide)

    def _pattern(self, left: Value, op: str, text: bytes) -> str:
        if op == "regex":
            return self._match(left, regex(text.decode("utf-8", "surrogateescape")))
        if op == "icontains":
            return self._match(left, Cat((ANYTHING, fold_case(literal(text)), ANYTHING)))
        if op == "iglob":
            return self._match(left, fold_case(glob(text)))
        plain = _plain_glob(text)
        return self._match(left, glob(text)) if plain is None else self._single(left, *plain)

    def _match(self, left: Value, pattern: Pattern) -> str:
        return self._apply(left, "match", self._declare(_automaton(build(pattern))))

    def _apply(self, left: Value, function: str, constant: str, *, wide: bool = False) -> str:
        if isinstance(left, FieldValue) and left.any_of:
            name = lua_string(left.name.encode("utf-8", "surrogateescape"))
            return f"{self._declare(f'rt.any_of({name})')}(rt.{function}, {constant})"
        value = self._value(left, wide=wide)
        if isinstance(left, FieldValue) and left.name in _PAIR_FIELDS:
            return f"rt.pair_{function}({constant}, {value})"
        if function == "eq" and not isinstance(left, Computed) and not wide and constant[0] in '"-0123456789tf':
            return f"{value} == {constant}"
        return f"rt.{function}({constant}, {value})"

    def _constant(self, item: Constant | Value) -> str:
        if isinstance(item, (FieldValue, Computed)):
            return self._value(item)
        return lua_string(item) if isinstance(item, bytes) else _number(item)

    def _value(self, value: Value | bytes, *, wide: bool = False) -> str:
        if isinstance(value, bytes):
            return lua_string(value)
        if isinstance(value, Computed):
            return f"rt.{value.function}({', '.join(self._value(arg) for arg in value.args)})"
        accessor = "wide" if wide else "get"
        code = f"rt.{accessor}({lua_string(value.name.encode('utf-8', 'surrogateescape'))})"
        return self._declare(code, shared=not value.name.startswith(_STATEFUL)) + "()"


def _is_stateful(check: TypedCheck) -> bool:
    return any(name.startswith(_STATEFUL) for name in fields_of(check))


def _is_about_type(name: str) -> bool:
    return name in _ABOUT_TYPE or name.startswith("evt.type.is")


def _only_field(check: TypedCheck) -> str:
    """Return the field that a check is about, "" when it is about more than a field and constants."""
    plain = isinstance(check.left, FieldValue) and not any(isinstance(it, (FieldValue, Computed)) for it in check.right)
    return check.left.name if plain and isinstance(check.left, FieldValue) else ""


def _is_wide(left: Value, right: Sequence[Constant | Value]) -> bool:
    """Whether the comparison needs all 64 bits, more than a Lua number holds."""
    if not isinstance(left, FieldValue) or left.name != "evt.rawtime":
        return False
    return all(isinstance(item, int) for item in right)


def _number(value: Constant | Value) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _plain_glob(text: bytes) -> tuple[str, bytes] | None:
    """Return the plain operator that does what a simple shell pattern says."""
    inner = text.strip(b"*")
    if not inner or _WILD.intersection(inner):
        return None
    head, tail = text.startswith(b"*"), text.endswith(b"*")
    ops = {(True, True): "contains", (True, False): "endswith", (False, True): "startswith"}
    return ops.get((head, tail), "="), inner


def _automaton(table: Automaton) -> str:
    rows = b"".join(to.to_bytes(2, "little") for row in table.rows for to in row)
    accepting = bytes(i in table.accepting for i in range(len(table.rows)))
    return f"rt.automaton({lua_string(table.classes)}, {lua_string(rows)}, {lua_string(accepting)})"
