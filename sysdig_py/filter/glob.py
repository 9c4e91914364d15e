"""Shell patterns as automaton patterns, with the meaning of fnmatch without flags.

`*` and `?` also match `/`; a backslash takes the next character as it is; an unclosed `[` is an
ordinary character. `path_prefix` is for pmatch: component by component, and everything below.
"""

from __future__ import annotations

import re
from typing import Final

from sysdig_py.filter.automaton import ALL, ANYTHING, Alt, Bytes, Cat, Pattern, Repeat, literal, span

_SLASH: Final = 0x2F
_BRACKET: Final = re.compile(rb"\[([!^]?)(\]?(?:\[:[a-z]+:\]|[^\]\\]|\\.)*)\]", re.DOTALL)
_ITEM: Final = re.compile(rb"\[:([a-z]+):\]|(\\.|.)-(\\.|.)|(\\.|.)", re.DOTALL)
_CLASSES: Final = {
    b"alpha": span(65, 90) | span(97, 122),
    b"digit": span(48, 57),
    b"alnum": span(48, 57) | span(65, 90) | span(97, 122),
    b"upper": span(65, 90),
    b"lower": span(97, 122),
    b"space": span(9, 13) | 1 << 32,
    b"blank": 1 << 9 | 1 << 32,
    b"punct": span(33, 47) | span(58, 64) | span(91, 96) | span(123, 126),
    b"print": span(32, 126),
    b"graph": span(33, 126),
    b"cntrl": span(0, 31) | 1 << 127,
    b"xdigit": span(48, 57) | span(65, 70) | span(97, 102),
}


def glob(text: bytes) -> Pattern:
    """Return the pattern of a shell pattern."""
    return _translate(text, ALL)


def path_prefix(path: bytes) -> Pattern:
    """Return the pattern of `path` and everything below it; components may be shell patterns."""
    inside = ALL & ~(1 << _SLASH)
    parts = [part for part in path.split(b"/") if part]
    items: list[Pattern] = []
    for i, part in enumerate(parts):
        if i > 0 or path.startswith(b"/"):
            items.append(literal(b"/"))
        items.append(_translate(part, inside))
    below = Cat((literal(b"/"), ANYTHING))
    if not parts:
        return below if path.startswith(b"/") else Alt(())
    return Cat((*items, Repeat(below, 0, 1)))


def _translate(text: bytes, any_byte: int) -> Pattern:
    items: list[Pattern] = []
    position = 0
    while position < len(text):
        item, position = _next_item(text, position, any_byte)
        items.append(item)
    return Cat(tuple(items))


def _next_item(text: bytes, position: int, any_byte: int) -> tuple[Pattern, int]:
    char = text[position : position + 1]
    if char == b"*":
        return Repeat(Bytes(any_byte), 0, None), position + 1
    if char == b"?":
        return Bytes(any_byte), position + 1
    if char == b"\\":
        if position + 1 == len(text):
            return Alt(()), position + 1  # a lone backslash at the end matches nothing
        return Bytes(1 << text[position + 1]), position + 2
    bracket = _BRACKET.match(text, position) if char == b"[" else None
    if bracket is None or not bracket.group(2):
        return Bytes(1 << text[position]), position + 1
    mask = _bracket_mask(bracket.group(2))
    return Bytes((ALL & ~mask if bracket.group(1) else mask) & any_byte), bracket.end()


def _bracket_mask(inside: bytes) -> int:
    mask = 0
    for name, low, high, single in _ITEM.findall(inside):
        if name:
            mask |= _CLASSES.get(name, 0)
        elif single:
            mask |= 1 << single[-1]
        elif low[-1] <= high[-1]:
            mask |= span(low[-1], high[-1])
    return mask
