"""Where sysdig-py means to differ from sysdig 0.29.3: every entry with its reason.

An entry maps the oracle's output to what is expected instead. `example` is a case that needs the entry: a test
fails when it does not any more, so that the list cannot outlive its reasons.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.oracle.cases import Case
from tests.oracle.compare import json_in_order, lines_in_order, names_merged, table_in_order


@dataclass(frozen=True)
class Difference:
    """One deliberate difference: which cases it is about, and what happens to each side's output there."""

    reason: str
    example: str
    applies: Callable[[Case], bool]
    map_theirs: Callable[[bytes], bytes] = bytes
    map_ours: Callable[[bytes], bytes] = bytes


def _is_json(case: Case) -> bool:
    return case.kind == "chisel" and "-j" in case.words and "top" in case.what


def _lists_containers(case: Case) -> bool:
    return case.what.endswith("lscontainers")


def _is_summary(case: Case) -> bool:
    return "-S" in case.words


def _merged(text: bytes) -> bytes:
    return names_merged(text) if text else text


def _is_table(case: Case) -> bool:
    return _is_summary(case) or (case.kind == "chisel" and not _is_json(case) and "top" in case.what)


def _is_group_id(case: Case) -> bool:
    return case.kind == "field" and case.what == "group.gid"


def _low_half(text: bytes) -> bytes:
    """Keep 32 bits of each event's number, read as one without sign."""
    rows = (line.split(b" ") for line in text.splitlines())
    return b"\n".join(b"%b %b" % (num, gid if gid == b"<NA>" else b"%d" % (int(gid) % (1 << 32))) for num, gid in rows)


DIFFERENCES: tuple[Difference, ...] = (
    Difference(
        reason="sysdig leaves the order of containers to its hash table",
        example="open-multiple-files-61832b chisel lscontainers",
        applies=_lists_containers,
        map_theirs=lines_in_order,
        map_ours=lines_in_order,
    ),
    Difference(
        reason="sysdig prints 64 bits of a group's number, which has 32: the rest is what lies next to it",
        example="sample-fa3078 field group.gid",
        applies=_is_group_id,
        map_theirs=_low_half,
    ),
    Difference(
        reason="sysdig counts the versions of an event apart, and shows several rows of the same name",
        example="pl9-fdl2-il2-ul2-ev2 made -S -q",
        applies=_is_summary,
        map_theirs=_merged,
    ),
    Difference(
        reason="sysdig leaves the order of rows with equal values to its hash tables",
        example="curl_google-26c88b chisel topfiles_bytes",
        applies=_is_table,
        map_theirs=table_in_order,
        map_ours=table_in_order,
    ),
    Difference(
        reason="sysdig leaves the order of JSON keys, and of rows with equal values, to its hash tables",
        example="curl_google-26c88b chisel -j topfiles_bytes",
        applies=_is_json,
        map_theirs=json_in_order,
        map_ours=json_in_order,
    ),
)


def mapped(case: Case, theirs: bytes, ours: bytes, without: Difference | None = None) -> tuple[bytes, bytes]:
    """Return both outputs with the differences that are meant taken out."""
    for difference in DIFFERENCES:
        if difference is not without and difference.applies(case):
            theirs, ours = difference.map_theirs(theirs), difference.map_ours(ours)
    return theirs, ours
