"""Where chisels mean to differ from sysdig 0.29.3, or must: each entry with its reason.

Two lists: `UNMODIFIED` for sysdig's own chisels, run by sysdig-py as they are; `OWN` for the shipped chisels of the
same names, which do the same job but were written anew. An entry is about the chisels in `names` and maps both outputs
to what must be equal. A test fails when an entry is not needed any more.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from tests.oracle.compare import json_in_order, table_in_order


@dataclass(frozen=True)
class ChiselDifference:
    """One reason why outputs differ, and how to take it out of them."""

    reason: str
    names: frozenset[str]
    modes: frozenset[str]
    mapped: Callable[[bytes], bytes]


TEXT, JSON, CONTAINERS = "text", "json", "containers"
_ALL_TEXT = frozenset({TEXT, CONTAINERS})
_ALL = frozenset({TEXT, JSON, CONTAINERS})
_TABLES = frozenset(
    {"fdbytes_by", "fdtime_by", "httptop", "topconns", "topports_server"}
    | {f"topcontainers_{what}" for what in ("cpu", "error", "file", "net")}
    | {f"topfiles_{what}" for what in ("bytes", "errors", "time")}
    | {f"topprocs_{what}" for what in ("cpu", "errors", "file", "net")}
    | {"topscalls", "topscalls_time"}
)


def sorted_lines(text: bytes) -> bytes:
    """Return the lines in alphabetical order, the first (the titles) in its place."""
    first, *rest = text.splitlines(keepends=True) or [b""]
    return b"".join([first, *sorted(rest)])


def json_ends_cut(text: bytes) -> bytes:
    """Return a JSON table in one order; of its rows with the least value only that value, when the table is full."""
    rows = re.findall(rb'(\[(?:"(?:[^"\\]|\\.)*",)+)(-?[0-9.e+]+)\]', text)
    if len(rows) not in (10, 30, 100):
        return json_in_order(text)
    least = rows[-1][1]
    return json_in_order(re.sub(rb'\[(?:"(?:[^"\\]|\\.)*",)+' + re.escape(least) + rb"\]", b"[" + least + b"]", text))


def one_line_per_shell(text: bytes) -> bytes:
    """Return the lines without repetitions."""
    return b"".join(dict.fromkeys(text.splitlines(keepends=True)))


def without_hundredths(text: bytes) -> bytes:
    """Return the text without the last digit of what has two behind the point."""
    return re.sub(rb"(\d\.\d)\d([KMGTP])", rb"\1\2", text)


def without_sizes(text: bytes) -> bytes:
    """Return the headers of spy_ip and spy_port without the size."""
    return re.sub(rb"(------ (?:Read|Write) )\S+", rb"\1", text)


_HASH_ORDER: tuple[ChiselDifference, ...] = (
    ChiselDifference(
        "sysdig leaves the order of rows with equal values to its hash tables, and so which of them end a full table",
        _TABLES,
        _ALL_TEXT,
        table_in_order,
    ),
    ChiselDifference("the same in JSON, and the order of keys", _TABLES, frozenset({JSON}), json_ends_cut),
    ChiselDifference(
        "the order of keys with equal counts is left to hash tables", frozenset({"fdcount_by"}), _ALL, sorted_lines
    ),
    ChiselDifference(
        "the order of threads and fds in the thread table, and of containers, is left to hash tables",
        frozenset({"lsof", "netstat", "lscontainers"}),
        _ALL,
        sorted_lines,
    ),
)

UNMODIFIED: tuple[ChiselDifference, ...] = (
    *_HASH_ORDER,
    ChiselDifference(
        "string.format rounds halves to even, as C does; the older LuaJIT of sysdig rounds them up",
        frozenset({"ps"}),
        _ALL,
        without_hundredths,
    ),
)

OWN: tuple[ChiselDifference, ...] = (
    *_HASH_ORDER,
    ChiselDifference(
        "sysdig's prints the last shell once per field of its record; ours prints every shell once",
        frozenset({"list_login_shells"}),
        _ALL,
        one_line_per_shell,
    ),
    ChiselDifference(
        "sysdig's says Read in front of what is written, too",
        frozenset({"spy_ip"}),
        _ALL,
        lambda text: text.replace(b"------ Write ", b"------ Read "),
    ),
    ChiselDifference(
        "sysdig's repeats the size of the first part since the direction changed; ours shows each part's own",
        frozenset({"spy_ip", "spy_port"}),
        _ALL,
        without_sizes,
    ),
)


def mapped(text: bytes, name: str, mode: str, differences: tuple[ChiselDifference, ...]) -> bytes:
    """Return an output with the differences that are meant taken out."""
    for difference in differences:
        if name in difference.names and mode in difference.modes:
            text = difference.mapped(text)
    return text
