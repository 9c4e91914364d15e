"""Judging two outputs: which lines differ, after what is known and meant to differ was taken out."""

from __future__ import annotations

import difflib
import json
import re
from typing import Any

_SHOWN = 6
# rows at which tables end
_FULL = (10, 30, 100)
# where a summary has its counts
_COUNT_COLUMN = 18


def differing(theirs: bytes, ours: bytes) -> list[str]:
    """Return the lines that differ, as a diff without context; none when every byte is the same."""
    if theirs == ours:
        return []
    one, other = (text.decode(errors="backslashreplace").splitlines() for text in (theirs, ours))
    if len(one) == len(other):
        return [line for a, b in zip(one, other, strict=True) if a != b for line in (f"-{a}", f"+{b}")] or ["line ends"]
    return [line for line in difflib.unified_diff(one, other, lineterm="", n=0) if line[:3] not in ("---", "+++")]


def report(words: tuple[str, ...], lines: list[str], err: bytes) -> str:
    """Return what to tell about a difference: how to repeat it, and its first lines."""
    command = " ".join(f"'{word}'" if re.search(r"[^\w./%-]", word) else word for word in words)
    told = [line[:400] for line in lines[:_SHOWN]]
    complaint = [f"! {line}" for line in err.decode(errors="replace").splitlines()[:3]]
    return "\n".join([f"sysdig {command}", f"{len(lines)} lines differ", *told, *complaint])


def table_in_order(text: bytes) -> bytes:
    """Return a chisel's or the summary's tables with their rows of equal value in alphabetical order.

    Where a full table ends in the middle of such rows, chance decides which of them it shows: these are left
    with their value only.
    """
    lines = text.decode(errors="backslashreplace").splitlines()
    rules = [i for i, line in enumerate(lines) if line.startswith("------")]
    if not rules:
        return text
    ordered = lines[: rules[0]]
    # the line before a rule is the head of the next table
    for rule, following in zip(rules, [*rules[1:], len(lines) + 1], strict=True):
        ordered += [lines[rule], *_rows_in_order([row for row in lines[rule + 1 : following - 1] if row])]
        ordered += lines[following - 1 : following]
    return "\n".join([*ordered, ""]).encode()


def lines_in_order(text: bytes) -> bytes:
    """Return the lines in alphabetical order."""
    return b"\n".join(sorted(text.splitlines()))


def names_merged(text: bytes) -> bytes:
    """Return a summary with one row per name: what is counted of an event in all its versions."""
    head, rule, rows = text.rpartition(b"-" * 22 + b"\n")
    counts: dict[bytes, int] = {}
    for row in rows.splitlines():
        name, count = row[:_COUNT_COLUMN], row[_COUNT_COLUMN:]
        counts[name] = counts.get(name, 0) + int(count)
    merged = sorted(counts.items(), key=lambda item: -item[1])
    return head + rule + b"".join(b"%b%d\n" % item for item in merged)


def _value(row: str) -> str:
    """Return what a row is sorted by: the count behind a summary's name, else the first column."""
    return row[_COUNT_COLUMN:] if row[:2] in ("> ", "< ") else row.split()[0]


def _rows_in_order(rows: list[str]) -> list[str]:
    values = list(dict.fromkeys(map(_value, rows)))
    ordered = [row for value in values for row in sorted(r for r in rows if _value(r) == value)]
    if len(rows) not in _FULL:
        return ordered
    return [row if _value(row) != values[-1] else values[-1] for row in ordered]


def json_in_order(text: bytes) -> bytes:
    """Return JSON documents with sorted keys and rows; an order that sysdig leaves to chance says nothing."""
    decoder, rest, found = json.JSONDecoder(), text.decode(errors="backslashreplace").strip(), []
    while rest:
        value, end = decoder.raw_decode(rest)
        found.append(json.dumps(_ordered(value), sort_keys=True))
        rest = rest[end:].strip()
    return "\n".join(found).encode()


def _data_in_order(rows: list[Any]) -> list[Any]:
    ordered = sorted(rows, key=json.dumps)
    if len(rows) not in _FULL:
        return ordered
    return sorted((row if row[-1] != rows[-1][-1] else row[-1:] for row in ordered), key=json.dumps)


def _ordered(document: Any) -> Any:
    if not isinstance(document, dict):
        return document
    ordered = dict(document)
    if isinstance(ordered.get("data"), list):
        ordered["data"] = _data_in_order(ordered["data"])
    if isinstance(ordered.get("info"), list):
        ordered["info"] = [column for column in ordered["info"] if column is not None]
    return ordered
