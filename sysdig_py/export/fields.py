"""Fields as columns: which kind of column the values of a field make.

Types are those of the field catalogue (`schema.fields`):

* whole numbers, durations (ns) and ports are int64; `evt.rawarg.NAME` of 64 bits without sign is uint64
* points in time are timestamps in ns (UTC): all of the event's own time fields, whatever text they show in lines
* texts of the process, its container, its descriptor are dictionaries; those that differ from event to event are plain
* addresses are text; fields about both ends of a connection and the `fdlist` fields are lists
* I/O buffers are bytes, unchanged
"""

from __future__ import annotations

from typing import Final

from sysdig_py.errors import UsageError
from sysdig_py.export.arrow import Column
from sysdig_py.schema import fields as catalogue

COMMON: Final = (
    "evt.num", "evt.rawtime", "evt.cpu", "evt.type", "evt.category", "evt.dir", "evt.args", "evt.res", "evt.rawres",
    "evt.failed", "evt.latency", "evt.is_io", "evt.io_dir", "evt.buflen", "evt.buffer", "proc.pid", "proc.vpid",
    "proc.ppid", "proc.name", "proc.pname", "proc.exepath", "proc.cmdline", "proc.cwd", "thread.tid", "user.uid",
    "user.name", "container.id", "container.name", "container.image", "container.type", "fd.num", "fd.type", "fd.name",
    "fd.l4proto", "fd.cip", "fd.cport", "fd.sip", "fd.sport",
)  # fmt: skip
"""What `SELECT *` and an export without `--fields` give."""

_TIMES: Final = frozenset({
    "evt.rawtime", "evt.time", "evt.time.s", "evt.time.iso8601", "evt.datetime", "evt.datetime.s", "evt.outputtime",
    "proc.exe_ino.ctime", "proc.exe_ino.mtime",
})  # fmt: skip
_LISTS: Final = {
    "fd.ip": "text", "fd.net": "text", "fd.port": "int64", "fd.proto": "int64", "fd.types": "text",
    "fdlist.nums": "text", "fdlist.names": "text", "fdlist.cips": "text", "fdlist.sips": "text",
    "fdlist.cports": "text", "fdlist.sports": "text",
}  # fmt: skip
# about the event, and yet few values
_WORDS: Final = frozenset({
    "evt.dir", "evt.type", "syscall.type", "evt.category", "evt.res", "evt.io_dir", "evt.source", "evt.hostname",
    "evt.pluginname", "evt.asynctype",
})  # fmt: skip
_PLAIN_CLASSES: Final = frozenset({"evt", "span", "evtin", "syslog", "fs"})
_TEXT_TYPES: Final = frozenset({"charbuf", "fspath", "fsrelpath", "charbufarray", "charbuf_pair_array"})
_ADDRESS_TYPES: Final = frozenset({"ipaddr", "ipnet", "ipv4addr", "ipv6addr"})
_WITHOUT_VALUE: Final = frozenset({"evt.around"})


def column(name: str) -> Column:
    """Return the column of a field, `name` being written as in a format: `fd.name`, `evt.arg.flags`, `proc.aname[2]`.

    Raises:
        UsageError: there is no such field, or it has no value of its own.
    """
    found = catalogue.find(name)
    if found is None:
        near = catalogue.nearest(name)
        hint = f"did you mean {near}?" if near else "sysdig-py -l lists them"
        raise UsageError(f"unknown field '{name}'; {hint}")
    field, argument = found
    if field.name in _WITHOUT_VALUE:
        raise UsageError(f"field {name} is for filters only: it has no value")
    if argument is None and "A" in field.flags:
        raise UsageError(f"field {name} needs an argument: {name}.NAME or {name}[NAME]")
    return Column(name, _kind(field, argument))


def _kind(field: catalogue.Field, argument: str | None) -> str:
    if field.name in _TIMES:
        return "time"
    if field.name in _LISTS:
        return f"list:{_LISTS[field.name]}"
    if field.name == "evt.rawarg":
        return _raw_kind(argument or "")
    return _text_kind(field) or _number_kind(field.type)


def _raw_kind(argument: str) -> str:
    kind = catalogue.raw_argument_types().get(argument)
    if kind is None:
        raise UsageError(f"no event has an argument named '{argument}'; sysdig-py -L lists them")
    if kind in ("bytebuf", "charbufarray", "charbuf_pair_array"):
        return "bytes"
    if kind in _TEXT_TYPES:
        return "text"
    return "uint64" if kind == "uint64" else _number_kind(kind)


def _text_kind(field: catalogue.Field) -> str | None:
    if field.type == "bytebuf":
        return "bytes"
    if field.type in _ADDRESS_TYPES:
        return "word"
    if field.type in _TEXT_TYPES:
        is_plain = field.name.partition(".")[0] in _PLAIN_CLASSES and field.name not in _WORDS
        return "text" if is_plain else "word"
    return None


def _number_kind(kind: str) -> str:
    return {"bool": "bool", "double": "float64"}.get(kind, "int64")
