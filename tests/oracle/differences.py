"""Where sysdig-py means to differ from sysdig 0.29.3: every entry with its reason.

An entry maps the oracle's output to what is expected instead. `example` is a case that needs the entry: a test
fails when it does not any more, so that the list cannot outlive its reasons.
"""

from __future__ import annotations

import re
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
    map_pair: Callable[[bytes, bytes], tuple[bytes, bytes]] = lambda theirs, ours: (theirs, ours)


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


def _is_field(case: Case, *names: str) -> bool:
    return case.kind == "field" and case.what in names


def _nums(text: bytes) -> bytes:
    """Keep only which events there are."""
    return b"\n".join(line.split(b" ")[0] for line in text.splitlines())


def _without_leftovers(theirs: bytes, ours: bytes) -> tuple[bytes, bytes]:
    """Let sysdig show 0ns, as we do, where it repeats the text it showed last (at first: nothing)."""
    rows, last = [], b""
    for line, our_line in zip(theirs.splitlines(), ours.splitlines(), strict=True):
        num, _, text = line.partition(b" ")
        is_leftover = text == last and our_line.endswith(b" 0ns")
        rows.append(num + b" 0ns" if is_leftover else line)
        last = text
    return b"\n".join(rows), ours


def _is_newest_process_list(case: Case) -> bool:
    return case.trace.stem.startswith("sample-") and _is_field(case, *_TAIL_OF_PROCESS)


# what the file tells, and what sysdig makes of it
_TAIL_OF_PROCESS = {
    "proc.tty": {b" 34817": b" 0"},
    "user.loginuid": {b" 1000": b" -420151296", b" -1": b" -420151296"},
    "user.loginname": {b" vagrant": b" <NA>"},
}


def _as_misread(text: bytes) -> bytes:
    """Return one of the fields above as sysdig reads it; no other field has these values."""
    for values in _TAIL_OF_PROCESS.values():
        for ours, theirs in values.items():
            text = re.sub(re.escape(ours) + rb"$", theirs, text, flags=re.MULTILINE)
    return text


def _is_raw_number(case: Case) -> bool:
    return case.kind == "format" and "%evt.rawarg.size" in case.what


def _tracer(what: str) -> Callable[[Case], bool]:
    return lambda case: case.kind == "tracer" and case.what == what


def _times_of_ends(theirs: bytes, ours: bytes) -> tuple[bytes, bytes]:
    """Leave the time out where sysdig shows a later one than we do."""
    rows = [(a, b) for a, b in zip(theirs.splitlines(), ours.splitlines(), strict=True)]
    kept = [(a, b) if a <= b else (a.split()[0], b.split()[0]) for a, b in rows]
    return b"\n".join(a for a, _ in kept), b"\n".join(b for _, b in kept)


DIFFERENCES: tuple[Difference, ...] = (
    Difference(
        reason="the end of a span shows when it began, as the field's meaning says; sysdig shows when it ended",
        example="tracers tracer span.time",
        applies=_tracer("span.time"),
        map_pair=_times_of_ends,
    ),
    Difference(
        reason="sysdig has no text for the number of arguments, though JSON shows it",
        example="tracers tracer span.nargs",
        applies=_tracer("span.nargs"),
        map_ours=lambda text: re.sub(rb" \d+$", b" <NA>", text, flags=re.MULTILINE),
    ),
    Difference(
        reason="sysdig reads the login user from the first bytes of a process entry's tail, where newer versions write"
        " the start of the pid namespace; the terminal and the login user behind it are lost to it",
        example="sample-fa3078 field user.loginuid",
        applies=_is_newest_process_list,
        map_ours=_as_misread,
    ),
    Difference(
        reason="a format of sysdig takes evt.type.is without its argument: no value, and the name as text",
        example="cat_write-c4cf36 field evt.type.is.open",
        applies=lambda case: _is_field(case, "evt.type.is.open"),
        map_theirs=_nums,
        map_ours=_nums,
    ),
    Difference(
        reason="sysdig has no text for the number of a raw argument, though filters and JSON know it",
        example="cat_write-c4cf36 format *%evt.rawarg.size %evt.rawarg.name",
        applies=_is_raw_number,
        map_ours=lambda text: re.sub(rb"^\d+", b"<NA>", text, flags=re.MULTILINE),
    ),
    Difference(
        reason="of an event without a known thread sysdig shows the latency that it showed last",
        example="container-641c4c field evt.latency.human",
        applies=lambda case: _is_field(case, "evt.latency.human"),
        map_pair=_without_leftovers,
    ),
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
            theirs, ours = difference.map_pair(difference.map_theirs(theirs), difference.map_ours(ours))
    return theirs, ours
