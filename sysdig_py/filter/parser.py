"""Filter text to tree: recursive descent, `not` before `and` before `or`.

Knows the grammar only; whether a field exists and a value fits it is `semantics`' business.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sysdig_py.filter import nodes
from sysdig_py.filter.scanner import Scanner

MAX_DEPTH: Final = 100
TRANSFORMERS: Final = frozenset(("tolower", "toupper", "b64", "basename", "len", "join", "concat", "getopt", "val"))
_SYMBOLS: Final = ("==", "=", "!=", "<=", "<", ">=", ">")
_STRING_WORDS: Final = (
    "contains",
    "icontains",
    "bcontains",
    "startswith",
    "bstartswith",
    "endswith",
    "glob",
    "iglob",
    "regex",
)
_LIST_WORDS: Final = ("in", "intersects", "pmatch")
_MODIFIERS: Final = ("oneof", "anyof", "allof")
OPERATORS: Final = (*_SYMBOLS[1:], *_STRING_WORDS, *_LIST_WORDS, "exists")


def parse(text: str) -> nodes.Node:
    """Return the tree of `text`; raises FilterError. An empty text is an empty `And`."""
    scanner = Scanner(text)
    if scanner.at_end():
        return nodes.And(())
    node = _Parser(scanner).disjunction()
    if not scanner.at_end():
        _trailing(scanner)
    return node


def _trailing(scanner: Scanner) -> None:
    word = scanner.rest_word()
    if word.startswith(")"):
        scanner.fail("syntax error in filter: ')' without '('")
    scanner.fail(f"syntax error in filter: expected 'and' or 'or', found {word}")


class _Parser:
    def __init__(self, scanner: Scanner) -> None:
        self._s = scanner
        self._depth = 0

    def disjunction(self) -> nodes.Node:
        return self._chain("or", self._conjunction, nodes.Or)

    def _conjunction(self) -> nodes.Node:
        return self._chain("and", self._negation, nodes.And)

    def _chain(
        self, word: str, operand: Callable[[], nodes.Node], make: type[nodes.Or] | type[nodes.And]
    ) -> nodes.Node:
        items = [operand()]
        while self._s.take_word(word):
            items.append(operand())
        return items[0] if len(items) == 1 else make(tuple(items))

    def _negation(self) -> nodes.Node:
        negated = False
        while self._s.take_word("not"):
            negated = not negated
        item = self._primary()
        return nodes.Not(item) if negated else item

    def _primary(self) -> nodes.Node:
        if not self._s.take("("):
            return self._check()
        opened = self._s.position - 1
        self._enter(opened)
        node = self.disjunction()
        self._depth -= 1
        if not self._s.take(")"):
            self._s.fail(f"unexpected end of filter: missing ')' for the '(' at position {opened}")
        return node

    def _enter(self, position: int) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self._s.fail(f"parentheses nested more than {MAX_DEPTH} deep", position)

    def _check(self) -> nodes.Check:
        self._s.blanks()
        position = self._s.position
        left = self._reference()
        if left is None:
            self._s.fail(f"expected a field, found {self._s.rest_word()}")
        op, kind = self._operator(left)
        modifier, right = self._right(op, kind)
        return nodes.Check(left, op, modifier, right, position)

    def _operator(self, left: nodes.FieldRef | nodes.Transform) -> tuple[str, str]:
        for symbol in _SYMBOLS:
            if self._s.take(symbol):
                return ("=", "string") if symbol == "==" else (symbol, "number" if symbol[0] in "<>" else "string")
        for words, kind in ((_STRING_WORDS, "string"), (_LIST_WORDS, "list"), (("exists",), "unary")):
            for word in words:
                if self._s.take_word(word):
                    return word, kind
        self._s.fail(f"unrecognized comparison operator after {left.name}: {self._s.rest_word()}")

    def _right(self, op: str, kind: str) -> tuple[str, tuple[nodes.Operand, ...]]:
        if kind == "unary":
            return "", ()
        if kind == "list":
            return "", self._list(op)
        if kind == "string":
            for modifier in _MODIFIERS:
                if self._s.take_word(modifier):
                    return modifier, self._list(modifier)
        return "", (self._value(op),)

    def _value(self, op: str) -> nodes.Operand:
        call = self._call(right=True)
        if call is not None:
            return call
        position = self._s.position
        text = self._s.value(in_list=False)
        if text is None:
            self._s.fail(f"unexpected end of filter: {op} needs a value, found {self._s.rest_word()}")
        return nodes.Literal(text, position)

    def _list(self, op: str) -> tuple[nodes.Operand, ...]:
        if not self._s.take("("):
            call = self._call(right=True)
            if call is not None:
                return (call,)
            self._s.fail(f"expected '(' after '{op}' operand")
        return self._members(self._member)

    def _members(self, member: Callable[[], nodes.Operand]) -> tuple[nodes.Operand, ...]:
        items: list[nodes.Operand] = []
        if self._s.take(")"):
            return ()
        while True:
            items.append(member())
            if self._s.take(")"):
                return tuple(items)
            if not self._s.take(","):
                self._s.fail(f"expected ',' or ')' in the list, found {self._s.rest_word()}")

    def _member(self) -> nodes.Operand:
        self._s.blanks()
        position = self._s.position
        text = self._s.value(in_list=True)
        if text is None:
            self._s.fail(f"expected a value in the list, found {self._s.rest_word()}")
        return nodes.Literal(text, position)

    def _reference(self) -> nodes.FieldRef | nodes.Transform | None:
        call = self._call(right=False)
        if call is not None:
            return call
        position = self._s.position
        name = self._s.field()
        return nodes.FieldRef(name, position) if name else None

    def _call(self, *, right: bool) -> nodes.FieldRef | nodes.Transform | None:
        self._s.blanks()
        position = self._s.position
        name = self._s.call_name()
        if not name:
            return None
        if name not in TRANSFORMERS or (name == "val" and not right):
            self._s.fail(f"unknown transformer {name}", position)
        self._enter(position)
        args = self._members(self._argument)
        self._depth -= 1
        if name != "val":
            return nodes.Transform(name, args, position)
        if len(args) != 1 or not isinstance(args[0], nodes.FieldRef):
            self._s.fail("val() takes one field", position)
        return args[0]

    def _argument(self) -> nodes.Operand:
        reference = self._reference()
        if reference is not None:
            return reference
        position = self._s.position
        if self._s.take("("):
            self._enter(position)
            group = nodes.Group(self._members(self._argument), position)
            self._depth -= 1
            return group
        text = self._s.value(in_list=True)
        if text is None:
            self._s.fail(f"expected a field or a value, found {self._s.rest_word()}")
        return nodes.Literal(text, position)
