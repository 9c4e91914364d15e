"""Byte patterns as deterministic automata: what glob, regex, pmatch and icontains become.

A pattern is a tree of `Bytes`, `Cat`, `Alt` and `Repeat`. `build` turns it into a table that a loop
over the bytes of a value can follow, one look-up per byte, without backing up or allocating.
Patterns describe the whole value. State 0 is the dead state, state 1 the start.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

MAX_NFA: Final = 20_000
MAX_STATES: Final = 4096
ALL: Final = (1 << 256) - 1


class TooLargeError(ValueError):
    """The pattern needs more states than a filter may have."""


@dataclass(frozen=True, slots=True)
class Bytes:
    """One byte out of a set, given as a mask of 256 bits."""

    mask: int


@dataclass(frozen=True, slots=True)
class Cat:
    """One after the other; none at all is the empty text."""

    items: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class Alt:
    """Any of them; none at all never matches."""

    items: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """`item` at least `low` times, at most `high` times (None: no limit)."""

    item: Pattern
    low: int
    high: int | None


Pattern = Bytes | Cat | Alt | Repeat
ANYTHING: Final = Repeat(Bytes(ALL), 0, None)


@dataclass(frozen=True, slots=True)
class Automaton:
    """The table: `classes` maps a byte to a column, `rows[state][column]` is the next state."""

    classes: bytes
    rows: tuple[tuple[int, ...], ...]
    accepting: frozenset[int]

    def matches(self, value: bytes) -> bool:
        """Whether the whole of `value` matches."""
        state = 1
        for byte in value:
            state = self.rows[state][self.classes[byte]]
        return state in self.accepting


def span(low: int, high: int) -> int:
    """Return the mask of the bytes from `low` to `high`, both included."""
    return ((1 << (high - low + 1)) - 1) << low


def literal(text: bytes) -> Pattern:
    """Return the pattern of exactly `text`."""
    return Cat(tuple(Bytes(1 << b) for b in text))


def fold_case(pattern: Pattern) -> Pattern:
    """Return `pattern` with ASCII letters matching in both cases."""
    if isinstance(pattern, Bytes):
        upper, lower = pattern.mask & span(65, 90), pattern.mask & span(97, 122)
        return Bytes(pattern.mask | upper << 32 | lower >> 32)
    if isinstance(pattern, Repeat):
        return Repeat(fold_case(pattern.item), pattern.low, pattern.high)
    return type(pattern)(tuple(fold_case(item) for item in pattern.items))


@dataclass(slots=True)
class _Nfa:
    """Thompson's construction: per state its empty moves and its byte moves."""

    empty: list[list[int]] = field(default_factory=list)
    moves: list[list[tuple[int, int]]] = field(default_factory=list)

    def state(self) -> int:
        if len(self.empty) >= MAX_NFA:
            raise TooLargeError("the pattern is too large")
        self.empty.append([])
        self.moves.append([])
        return len(self.empty) - 1

    def add(self, pattern: Pattern, start: int) -> int:
        """Add `pattern` from `start` on; return the state where it ends."""
        if isinstance(pattern, Bytes):
            end = self.state()
            self.moves[start].append((pattern.mask, end))
            return end
        if isinstance(pattern, Cat):
            for item in pattern.items:
                start = self.add(item, start)
            return start
        return self._alternatives(pattern, start) if isinstance(pattern, Alt) else self._repeat(pattern, start)

    def _alternatives(self, pattern: Alt, start: int) -> int:
        end = self.state()
        for item in pattern.items:
            self.empty[self.add(item, start)].append(end)
        return end

    def _repeat(self, pattern: Repeat, start: int) -> int:
        for _ in range(pattern.low):
            start = self.add(pattern.item, start)
        if pattern.high is None:
            hub = self.state()
            self.empty[start].append(hub)
            self.empty[self.add(pattern.item, hub)].append(hub)
            end = self.state()
            self.empty[hub].append(end)
            return end
        end = self.state()
        for _ in range(pattern.high - pattern.low):
            self.empty[start].append(end)
            start = self.add(pattern.item, self._fresh(start))
        self.empty[start].append(end)
        return end

    def _fresh(self, start: int) -> int:
        state = self.state()
        self.empty[start].append(state)
        return state

    def closure(self, states: list[int]) -> frozenset[int]:
        seen = set(states)
        todo = list(states)
        while todo:
            for target in self.empty[todo.pop()]:
                if target not in seen:
                    seen.add(target)
                    todo.append(target)
        return frozenset(seen)


def build(pattern: Pattern) -> Automaton:
    """Return the automaton of `pattern`; raises TooLargeError."""
    nfa = _Nfa()
    start = nfa.state()
    final = nfa.add(pattern, nfa.state())
    nfa.empty[start].append(1)
    classes, samples = _byte_classes({mask for moves in nfa.moves for mask, _ in moves})
    sets = [frozenset[int](), nfa.closure([start])]
    index = {states: i for i, states in enumerate(sets)}
    # `sets` grows while it is walked: every new set of states gets its own row
    rows = [tuple(_next(nfa, sets, index, states, bit) for bit in samples) for states in sets]
    accepting = frozenset(i for i, states in enumerate(sets) if final in states)
    return Automaton(classes, tuple(rows), accepting)


def _next(
    nfa: _Nfa, sets: list[frozenset[int]], index: dict[frozenset[int], int], states: frozenset[int], bit: int
) -> int:
    targets = nfa.closure([to for state in states for mask, to in nfa.moves[state] if mask & bit])
    if targets not in index:
        if len(sets) >= MAX_STATES:
            raise TooLargeError("the pattern is too large")
        index[targets] = len(sets)
        sets.append(targets)
    return index[targets]


def _byte_classes(masks: set[int]) -> tuple[bytes, list[int]]:
    """Group the bytes that no mask tells apart; return byte -> group and one bit of each group."""
    ordered = sorted(masks)
    groups: dict[tuple[bool, ...], int] = {}
    samples: list[int] = []
    classes = bytearray(256)
    for byte in range(256):
        key = tuple(bool(mask >> byte & 1) for mask in ordered)
        if key not in groups:
            groups[key] = len(groups)
            samples.append(1 << byte)
        classes[byte] = groups[key]
    return bytes(classes), samples
