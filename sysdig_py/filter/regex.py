r"""Regular expressions (RE2's syntax, anchored to the whole value) as automaton patterns.

Everything an automaton can do: characters, `.`, classes, `\d \w \s`, groups, alternatives,
repetitions (lazy ones match the same texts), `(?i)` at the start. What it cannot, or what is not
there (`\b`, back references, Unicode classes, anchors inside), is a ValueError that says so.
`.` is one UTF-8 character other than a newline.
"""

from __future__ import annotations

import re
from typing import Final

from sysdig_py.filter.automaton import ALL, Alt, Bytes, Cat, Pattern, Repeat, fold_case, literal, span

_MAX_REPEAT: Final = 1000
_MAX_DEPTH: Final = 100
_NEWLINE: Final = 1 << 10
_ASCII: Final = span(0, 127)
_TAIL: Final = Bytes(span(0x80, 0xBF))
_WIDE: Final = (
    Cat((Bytes(span(0xC2, 0xDF)), _TAIL)),
    Cat((Bytes(span(0xE0, 0xEF)), _TAIL, _TAIL)),
    Cat((Bytes(span(0xF0, 0xF4)), _TAIL, _TAIL, _TAIL)),
)
_SETS: Final = {
    "d": span(48, 57),
    "w": span(48, 57) | span(65, 90) | span(97, 122) | 1 << 95,
    "s": 1 << 9 | 1 << 10 | 1 << 12 | 1 << 13 | 1 << 32,
}
_CONTROLS: Final = {"n": 10, "r": 13, "t": 9, "f": 12, "v": 11, "a": 7}
_POSIX: Final = {
    "alpha": span(65, 90) | span(97, 122),
    "digit": _SETS["d"],
    "alnum": span(48, 57) | span(65, 90) | span(97, 122),
    "upper": span(65, 90),
    "lower": span(97, 122),
    "space": _SETS["s"] | 1 << 11,
    "punct": span(33, 47) | span(58, 64) | span(91, 96) | span(123, 126),
    "xdigit": span(48, 57) | span(65, 70) | span(97, 102),
    "word": _SETS["w"],
}
_COUNT: Final = re.compile(r"\{([0-9]{1,4})(?:(,)([0-9]{1,4})?)?\}")
_GROUP: Final = re.compile(r"\((?:\?:|\?P?<[A-Za-z_][A-Za-z0-9_]*>)?")
_POSIX_CLASS: Final = re.compile(r"\[:(\^?)([a-z]+):\]")
_HEX: Final = re.compile(r"x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,6})\})")


def regex(text: str) -> Pattern:
    """Return the pattern of a regular expression; raises ValueError."""
    folded = text.startswith("(?i)")
    pattern = _Parser(text, 4 if folded else 0).parse()
    return fold_case(pattern) if folded else pattern


class _Parser:
    def __init__(self, text: str, position: int) -> None:
        self._text = text
        self._at = position
        self._start = position
        self._depth = 0

    def parse(self) -> Pattern:
        pattern = self._alternatives()
        if self._at < len(self._text):
            raise ValueError("unexpected ) in the regular expression")
        return pattern

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _alternatives(self) -> Pattern:
        items = [self._sequence()]
        while self._peek() == "|":
            self._at += 1
            items.append(self._sequence())
        return items[0] if len(items) == 1 else Alt(tuple(items))

    def _sequence(self) -> Pattern:
        items: list[Pattern] = []
        while self._peek() not in ("", "|", ")"):
            items.append(self._repeated(self._atom()))
        return Cat(tuple(items))

    def _repeated(self, item: Pattern) -> Pattern:
        bounds = self._bounds()
        if bounds is None:
            return item
        if self._peek() == "?":
            self._at += 1
        if self._peek() in ("*", "+", "?"):
            raise ValueError("two repetition operators in a row in the regular expression")
        return Repeat(item, *bounds)

    def _bounds(self) -> tuple[int, int | None] | None:
        simple: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        char = self._peek()
        if char in simple:
            self._at += 1
            return simple[char]
        match = _COUNT.match(self._text, self._at)
        if not match:
            return None
        self._at = match.end()
        low = int(match.group(1))
        high = (int(match.group(3)) if match.group(3) else None) if match.group(2) else low
        if low > _MAX_REPEAT or (high is not None and not low <= high <= _MAX_REPEAT):
            raise ValueError(f"bad repetition {match.group()} in the regular expression")
        return low, high

    def _atom(self) -> Pattern:
        char = self._peek()
        if char == "(":
            return self._group()
        if char == "[":
            return self._class()
        if char == "\\":
            return self._escape()
        if char in ("*", "+", "?"):
            raise ValueError(f"nothing to repeat before {char} in the regular expression")
        if char in ("^", "$"):
            return self._anchor(at_start=char == "^")
        self._at += 1
        if char == ".":
            return Alt((Bytes(_ASCII & ~_NEWLINE), *_WIDE))
        return literal(char.encode("utf-8", "surrogateescape"))

    def _anchor(self, *, at_start: bool) -> Pattern:
        is_edge = self._at == self._start if at_start else self._at == len(self._text) - 1
        if not is_edge or self._depth:
            raise ValueError("anchors inside a regular expression are not supported: it always matches the whole value")
        self._at += 1
        return Cat(())

    def _group(self) -> Pattern:
        match = _GROUP.match(self._text, self._at)
        if match is None or self._text.startswith("?", match.end()):
            raise ValueError("this (? group is not supported in a regular expression")
        self._at = match.end()
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise ValueError("the regular expression is nested too deeply")
        inside = self._alternatives()
        self._depth -= 1
        if self._peek() != ")":
            raise ValueError("missing ) in the regular expression")
        self._at += 1
        return inside

    def _escape(self) -> Pattern:
        mask = self._escaped_mask()
        if mask > _ASCII:
            return Alt((Bytes(mask & _ASCII), *_WIDE))  # \D, \W, \S take every non-ASCII character
        return Bytes(mask)

    def _escaped_mask(self) -> int:
        self._at += 1
        char = self._peek()
        self._at += 1
        if char.lower() in _SETS:
            return _SETS[char] if char in _SETS else ALL & ~_SETS[char.lower()]
        if char in _CONTROLS:
            return 1 << _CONTROLS[char]
        match = _HEX.match(self._text, self._at - 1)
        if match and int(match.group(1) or match.group(2), 16) < 0x80:
            self._at = match.end()
            return 1 << int(match.group(1) or match.group(2), 16)
        if not char.isascii() or not char or char.isalnum():
            raise ValueError(f"\\{char} is not supported in a regular expression")
        return 1 << ord(char)

    def _class(self) -> Pattern:
        self._at += 1
        negated = self._peek() == "^"
        self._at += negated
        mask = self._class_item()
        while self._peek() != "]":
            mask |= self._class_item()
        self._at += 1
        if negated:
            return Alt((Bytes(_ASCII & ~mask), *_WIDE))
        return Alt((Bytes(mask & _ASCII), *_WIDE)) if mask > _ASCII else Bytes(mask)

    def _class_item(self) -> int:
        match = _POSIX_CLASS.match(self._text, self._at)
        if match and match.group(2) in _POSIX:
            self._at = match.end()
            return _ASCII & ~_POSIX[match.group(2)] if match.group(1) else _POSIX[match.group(2)]
        low = self._class_char()
        if self._peek() != "-" or self._text[self._at + 1 : self._at + 2] in ("]", ""):
            return low
        self._at += 1
        high = self._class_char()
        if low.bit_count() != 1 or high.bit_count() != 1 or low > high:
            raise ValueError("bad range in a class of the regular expression")
        return span(low.bit_length() - 1, high.bit_length() - 1)

    def _class_char(self) -> int:
        char = self._peek()
        if char == "\\":
            return self._escaped_mask()
        if not char:
            raise ValueError("missing ] in the regular expression")
        if not char.isascii():
            raise ValueError("classes of non-ASCII characters are not supported in a regular expression")
        self._at += 1
        return 1 << ord(char)
