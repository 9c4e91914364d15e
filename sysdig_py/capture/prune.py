"""Cut a C dump of kernel types down to the definitions a source needs; pure text work.

The dump is one definition after the other, each after what it holds by value. A type that is only
pointed to needs a forward declaration, nothing more, which is what keeps the result small.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_WORD: Final = re.compile(r"[A-Za-z_]\w*")
_TAGGED: Final = re.compile(r"\b(struct|union|enum) (\w+)(\s*\*)?")
_TAG_HEAD: Final = re.compile(r"(struct|union|enum) (\w+) \{")
# a pointer to a function, a function, or anything else
_TYPEDEF_NAME: Final = re.compile(r"\(\*(\w+)\)\(|(\w+)\(.*\);\s*$|(\w+)(?:\[\w*\])*;\s*$")
_CONSTANT: Final = re.compile(r"^\t(\w+) = ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Definition:
    """One top-level definition: its `text`, the `key` it is found by, and what it `needs` in full."""

    text: str
    key: str
    needs: frozenset[str]
    points_to: frozenset[str]


def prune(dump: str, names: frozenset[str]) -> str:
    """Return the definitions that `names` (types, enum constants, identifiers) reach.

    Args:
        dump: output of `bpftool btf dump ... format c`.
        names: identifiers; those that are no type are ignored.
    """
    definitions = split(dump)
    by_key: dict[str, list[int]] = {}
    for index, definition in enumerate(definitions):
        by_key.setdefault(definition.key, []).append(index)
        if definition.text.startswith("enum"):
            for constant in _CONSTANT.findall(definition.text):
                by_key.setdefault(f"constant {constant}", []).append(index)
    kept = _closure(definitions, by_key, names)
    return _render(definitions, kept)


def split(dump: str) -> list[Definition]:
    """Split a dump into its top-level definitions, in order."""
    found: list[Definition] = []
    block: list[str] = []
    for line in dump.splitlines():
        if not block and (not line or line.startswith(("#", "/", " "))):
            continue
        block.append(line)
        if line.startswith("}") or (len(block) == 1 and line.endswith(";")):
            found.append(_define("\n".join(block)))
            block = []
    return found


def _define(text: str) -> Definition:
    tagged = _TAGGED.findall(text)
    full = {f"{kind} {name}" for kind, name, star in tagged if not star or kind == "enum"}
    pointed = {f"{kind} {name}" for kind, name, star in tagged if star and kind != "enum"}
    words = {f"typedef {word}" for word in _WORD.findall(text)}
    key = _key(text)
    return Definition(text, key, frozenset((full | words) - {key}), frozenset(pointed))


def _key(text: str) -> str:
    head = _TAG_HEAD.match(text)
    if head:
        return f"{head[1]} {head[2]}"
    if text.startswith("typedef"):
        name = _TYPEDEF_NAME.search(text.replace("\n", " ") if text.rstrip().endswith(";") else text)
        return "typedef " + (next(filter(None, name.groups())) if name else "?")
    return ""


def _closure(definitions: list[Definition], by_key: dict[str, list[int]], names: frozenset[str]) -> set[int]:
    kept: set[int] = set()
    todo = [f"{kind} {name}" for name in names for kind in ("struct", "union", "enum", "typedef", "constant")]
    while todo:
        for index in by_key.get(todo.pop(), ()):
            if index not in kept:
                kept.add(index)
                todo.extend(definitions[index].needs)
    return kept


def _render(definitions: list[Definition], kept: set[int]) -> str:
    chosen = [definitions[i] for i in sorted(kept)]
    forward = sorted({tag for definition in chosen for tag in definition.points_to})
    lines = ["#pragma once", *(f"{tag};" for tag in forward), *(d.text for d in chosen)]
    return "\n".join(lines) + "\n"
