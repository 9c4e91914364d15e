"""Characters of a filter text: blanks, words, fields, values, operators.

What a character means depends on where it stands (`<` is an operator after a field and a value after
`evt.dir=`), so there is no token list: the parser asks for what may come next.
"""

from __future__ import annotations

import re
from typing import Final, NoReturn

from sysdig_py.errors import FilterError

_BLANK: Final = re.compile(r"[ \t\r\n]*")
_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FIELD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_/-]+)+")
_ARGUMENT: Final = re.compile(r"""\[(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\]"'][^\]]*))\]""")
_BARE: Final = re.compile(r"""[^ \t\r\n()"']+""")
_BARE_IN_LIST: Final = re.compile(r"""[^ \t\r\n()"',]+""")
_REST: Final = re.compile(r"[^ \t\r\n]{1,40}")
_ESCAPES: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "\\": "\\", "/": "/", '"': '"', "'": "'"}
_HEX: Final = re.compile(r"[0-9A-Fa-f]{2}")
_WORD_END: Final = re.compile(r"[A-Za-z0-9_.]")


class Scanner:
    """A cursor over the filter text."""

    def __init__(self, text: str) -> None:
        """Start at the first character of `text`."""
        self.text = text
        self.position = 0

    def fail(self, message: str, position: int | None = None) -> NoReturn:
        """Raise a FilterError pointing at `position` (default: the cursor)."""
        where = self.position if position is None else position
        raise FilterError(f"filter error at position {where}: {message}", self.text, where)

    def blanks(self) -> None:
        """Skip blanks."""
        match = _BLANK.match(self.text, self.position)
        if match:
            self.position = match.end()

    def at_end(self) -> bool:
        """Whether only blanks are left."""
        self.blanks()
        return self.position >= len(self.text)

    def take(self, literal: str) -> bool:
        """Skip blanks and pass `literal` when it comes next."""
        self.blanks()
        if not self.text.startswith(literal, self.position):
            return False
        self.position += len(literal)
        return True

    def take_word(self, word: str) -> bool:
        """Like `take`, for a whole word: `order` is not `or`."""
        self.blanks()
        end = self.position + len(word)
        if not self.text.startswith(word, self.position) or _WORD_END.match(self.text, end):
            return False
        self.position = end
        return True

    def rest_word(self) -> str:
        """Return what comes next up to a blank, for messages."""
        self.blanks()
        match = _REST.match(self.text, self.position)
        return match.group() if match else "the end"

    def call_name(self) -> str:
        """Pass `NAME(` and return NAME; "" when something else comes next."""
        self.blanks()
        match = _WORD.match(self.text, self.position)
        if not match or not self.text.startswith("(", match.end()):
            return ""
        self.position = match.end() + 1
        return match.group()

    def field(self) -> str:
        """Pass a field with its `[argument]` and return it; "" when none comes next."""
        self.blanks()
        match = _FIELD.match(self.text, self.position)
        if not match:
            return ""
        self.position = match.end()
        if not self.text.startswith("[", self.position):
            return match.group()
        return match.group() + f"[{self._argument()}]"

    def _argument(self) -> str:
        match = _ARGUMENT.match(self.text, self.position)
        if not match:
            self.fail("expected an argument and ']' after '['")
        self.position = match.end()
        return next(g for g in match.groups() if g is not None)

    def value(self, *, in_list: bool) -> str | None:
        """Pass a quoted or bare value; None when neither comes next."""
        self.blanks()
        if self.text[self.position : self.position + 1] in ("'", '"'):
            return self._quoted()
        match = (_BARE_IN_LIST if in_list else _BARE).match(self.text, self.position)
        if not match:
            return None
        self.position = match.end()
        return match.group()

    def _quoted(self) -> str:
        start = self.position
        quote = self.text[start]
        self.position += 1
        out: list[str] = []
        while self.position < len(self.text):
            char = self.text[self.position]
            self.position += 1
            if char == quote:
                return "".join(out)
            out.append(self._escape() if char == "\\" else char)
        self.fail("unclosed quotes", start)

    def _escape(self) -> str:
        char = self.text[self.position : self.position + 1]
        self.position += 1
        if char in _ESCAPES:
            return _ESCAPES[char]
        match = _HEX.match(self.text, self.position) if char == "x" else None
        if not match:
            self.fail(f"invalid escape sequence \\{char}", self.position - 2)
        self.position = match.end()
        return bytes([int(match.group(), 16)]).decode("utf-8", "surrogateescape")
