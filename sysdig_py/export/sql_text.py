"""What a text of SQL refers to: fields of events under their own names, and tables.

Sysdig's field names have points in them, which SQL takes for something else. So field names in the text are put into
double quotes before DuckDB sees it, wherever they stand outside of strings and comments; the same walk over the words
tells which fields are needed. Nothing else of the text is understood or changed: what it means is up to DuckDB.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from sysdig_py.errors import UsageError
from sysdig_py.export.fields import COMMON, column
from sysdig_py.export.state_tables import TABLES
from sysdig_py.schema import fields as catalogue

_TOKEN: Final = re.compile(
    r"""
      (?P<skip> \s+ | --[^\n]* | /\*.*?\*/ )
    | (?P<text> [eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$ )
    | (?P<quoted> "(?:[^"]|"")*" )
    | (?P<number> \d[\w.]* )
    | (?P<chain> [A-Za-z_]\w*(?:\.[A-Za-z_0-9]\w*)*(?:\[\d+\])? )
    | (?P<other> . )
    """,
    re.VERBOSE | re.DOTALL,
)
# what can stand behind a star that means all columns; behind one that multiplies, there is an operand
_BEHIND_STAR: Final = frozenset({
    "", "from", "exclude", "except", "replace", "rename", "union", "intersect", "like", "ilike", "similar", ",", ")",
    ";",
})  # fmt: skip
_NEEDS_ALL: Final = frozenset({"describe", "summarize", "pivot", "unpivot", "columns", "natural", "show", "table"})


@dataclass(slots=True)
class Query:
    """A text of SQL, ready for DuckDB.

    Attributes:
        text: the SQL with quoted field names.
        tables: names of the tables that it may mean, `events` among them.
        fields: fields that it names, in order of appearance.
        needs_all: whether it may mean all columns of `events` (`SELECT *` and the like).
        unknown: words that look like fields and are none.
    """

    text: str = ""
    tables: set[str] = field(default_factory=set)
    fields: list[str] = field(default_factory=list)
    needs_all: bool = False
    unknown: list[str] = field(default_factory=list)

    def columns(self) -> list[str]:
        """Return the fields that the table `events` must have."""
        wanted = [*self.fields, *COMMON] if self.needs_all else self.fields or ["evt.num"]
        return list(dict.fromkeys(wanted))

    def hint(self) -> str:
        """Return what the user may have meant with an unknown field, or ""."""
        near = [(word, catalogue.nearest(word)) for word in self.unknown]
        return "".join(f"; there is no field {word}, did you mean {name}?" for word, name in near[:1] if name)


def understand(sql: str) -> Query:
    """Find out what `sql` refers to, and quote its field names."""
    query, words, parts = Query(), [], []
    for kind, text in _tokens(sql):
        parts.append(text if kind != "chain" else _quoted(text, query))
        if kind == "quoted":
            _note_name(text[1:-1].replace('""', '"'), query)
        if kind != "skip":
            words.append(text.lower() if kind != "text" else "''")
    query.text = "".join(parts)
    if query.fields:
        query.tables.add("events")
    query.needs_all = _needs_all(words, query)
    return query


def _tokens(sql: str) -> Iterator[tuple[str, str]]:
    for match in _TOKEN.finditer(sql):
        kinds = [kind for kind in ("skip", "text", "quoted", "number", "chain", "other") if match[kind] is not None]
        yield kinds[0], match[0]


def _quoted(chain: str, query: Query) -> str:
    """Quote the field in a chain of names; before it there can be the name of a table, behind it a member."""
    names = chain.split(".")
    for first in (0, 1):
        for last in range(len(names), first + 1, -1):
            name, index = _field(".".join(names[first:last]))
            if name:
                query.fields.append(name)
                return ".".join([*names[:first], f'"{name}"{index}', *names[last:]])
    for first in (0, 1):
        if len(names) > first + 1 and names[first].lower() in _classes():
            query.unknown.append(".".join(names[first:]))
            return chain
    if names[0].lower() in ("events", *TABLES):
        query.tables.add(names[0].lower())
    return chain


def _field(text: str) -> tuple[str, str]:
    """Return the field that `text` names, and the index behind it if that is no argument; ("", "") for none."""
    bare = text.partition("[")[0]
    for name, index in ((text, ""), (text.lower(), ""), (bare, text[len(bare) :]), (bare.lower(), text[len(bare) :])):
        if _is_column(name):
            return name, index
    return "", ""


def _is_column(name: str) -> bool:
    try:
        column(name)
    except UsageError:
        return False
    return True


@cache
def _classes() -> frozenset[str]:
    return frozenset({name.partition(".")[0] for name in catalogue.fields()})


def _note_name(name: str, query: Query) -> None:
    if _is_column(name):
        query.fields.append(name)
    elif name.lower() in ("events", *TABLES):
        query.tables.add(name.lower())


def _needs_all(words: list[str], query: Query) -> bool:
    if _NEEDS_ALL & set(words) or any(_is_star(words, at) for at, word in enumerate(words) if word == "*"):
        return True
    # FROM without SELECT means all columns
    if words.count("select") < words.count("from"):
        return True
    return not query.fields and "count" not in words


def _is_star(words: list[str], at: int) -> bool:
    before, behind = words[:at], words[at + 1] if at + 1 < len(words) else ""
    is_count = before[-2:] == ["count", "("] and behind == ")"
    return behind in _BEHIND_STAR and not is_count
