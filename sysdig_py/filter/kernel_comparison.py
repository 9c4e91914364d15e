"""One check as a test of a fact, in the values the kernel has: numbers, names of 15 bytes, classes of files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from sysdig_py.filter.kernel_facts import Fact, Unknown
from sysdig_py.filter.semantics import FieldValue, TypedCheck
from sysdig_py.filter.values import Network
from sysdig_py.schema.events import load_data

Operand = int | bytes | Network

# the kernel's room for a thread's name, without the NUL at its end
NAME_MAX: Final = 15
_ORDER: Final = ("<", "<=", ">", ">=")
_EQUAL: Final = ("=", "in", "intersects")


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison of a fact.

    Attributes:
        fact: what is compared.
        op: `=` with any of `values`, `!=`, an order with the only one, `startswith`, or `exists`.
        values: numbers, texts, networks.
        negated: whether the test holds when the comparison does not.
        side: of a connection's two ends: "" either, "l" the own, "r" the other, "cs" one of them, not known which.
        sure: whether only what is certain to be the engine's view counts, or else what the kernel has: the ends of
            any socket, the usual type of a file.
    """

    fact: Fact
    op: str
    values: tuple[Operand, ...] = ()
    negated: bool = False
    side: str = ""
    sure: bool = True

    def opposite(self) -> Comparison:
        """Return the test that holds when this one does not."""
        return replace(self, negated=not self.negated)


def comparison_of(fact: Fact, check: TypedCheck) -> Comparison | bool | Unknown:
    """Return the test of a check on a fact."""
    assert isinstance(check.left, FieldValue)
    if check.modifier:
        return Unknown(f"only the engine counts with {check.modifier}")
    return _MAKERS.get(fact, _number)(fact, check)


# facts that some calls have no value of -> the least value there is
_LEAST: Final = {Fact.LENGTH: 0, Fact.LATENCY: 1}


def _number(fact: Fact, check: TypedCheck) -> Comparison | bool | Unknown:
    if check.op == "exists":
        return Comparison(fact, ">=", (_LEAST[fact],)) if fact in _LEAST else True
    if any(not isinstance(item, int) or not -(2**63) <= item < 2**63 for item in check.right):
        return Unknown("it compares with a number that is not whole, or needs more than 63 bits")
    values = tuple(int(item) for item in check.right if isinstance(item, int))
    return Comparison(fact, _plain(check.op), values) if values else False


def _plain(op: str) -> str:
    return "=" if op in _EQUAL else op


def _name(fact: Fact, check: TypedCheck) -> Comparison | bool | Unknown:
    if check.op == "exists":
        return True
    if check.op not in (*_EQUAL, "!=", "startswith"):
        return Unknown(f"the kernel does not search in names with {check.op}")
    return Comparison(fact, _plain(check.op), tuple(item for item in check.right if isinstance(item, bytes)))


@cache
def _errors() -> dict[bytes, int]:
    return {name.encode(): -int(number) for number, name in load_data("names")["errno"].items()} | {b"SUCCESS": 0}


def _outcome(fact: Fact, check: TypedCheck) -> Comparison | bool | Unknown:
    if check.op == "exists":
        return True
    if isinstance(check.right[0], bool):
        fails = check.right[0] is (check.op == "=")
        return Comparison(fact, "<" if fails else "=", (0,))
    if check.op not in (*_EQUAL, "!="):
        return Unknown(f"the kernel does not search in names of errors with {check.op}")
    values = tuple(_errors().get(item) for item in check.right if isinstance(item, bytes))
    if None in values:
        return Unknown("it compares with what is no name of an error")
    return Comparison(fact, _plain(check.op), tuple(value for value in values if value is not None))


def _kind(fact: Fact, check: TypedCheck) -> Comparison | bool | Unknown:
    if check.op not in (*_EQUAL, "!="):
        return Unknown(f"the kernel does not search in types of files with {check.op}")
    return Comparison(fact, _plain(check.op), tuple(item for item in check.right if isinstance(item, bytes)))


_SIDES: Final = {"s": "cs", "c": "cs", "l": "l", "r": "r"}


def _side(check: TypedCheck) -> str:
    assert isinstance(check.left, FieldValue)
    word = check.left.name.removeprefix("fd.")
    return "" if word in ("port", "ip", "net") else _SIDES[word[0]]


def _port(fact: Fact, check: TypedCheck) -> Comparison | bool | Unknown:
    made = _number(fact, check)
    if made is True:
        return Comparison(fact, "exists")
    return replace(made, side=_side(check)) if isinstance(made, Comparison) else made


def _address(fact: Fact, check: TypedCheck) -> Comparison | bool | Unknown:
    if check.op not in (*_EQUAL, "!="):
        return Unknown(f"the kernel does not know {check.op} of an address")
    values = tuple(item for item in check.right if isinstance(item, (bytes, Network)))
    return Comparison(fact, _plain(check.op), values, side=_side(check)) if values else False


_MAKERS: Final[dict[Fact, Callable[[Fact, TypedCheck], Comparison | bool | Unknown]]] = {
    Fact.NAME: _name,
    Fact.OUTCOME: _outcome,
    Fact.KIND: _kind,
    Fact.FAMILY: _kind,
    Fact.PORT: _port,
    Fact.ADDRESS: _address,
}
