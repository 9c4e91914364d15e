"""The formats of event lines that need no -p FORMAT: plain, coloured, and with the container's name."""

from __future__ import annotations

from typing import Final

from sysdig_py.ui.cli.options import Options

_HEAD: Final = "*%evt.num %evt.outputtime %evt.cpu"
_TAIL: Final = "%evt.dir %evt.type %evt.info"

PLAIN: Final = f"{_HEAD} %proc.name (%thread.tid) {_TAIL}"
COLOURED: Final = (
    f"{_HEAD} \\e[01;32m%proc.name\\e[00m (\\e[01;36m%proc.pid\\e[00m.%thread.tid)"
    " %evt.dir \\e[01;34m%evt.type\\e[00m %evt.info"
)
# -pc, -pk, -pm: the field that names what the process runs in
NAMED: Final = {
    data: f"{_HEAD} %{field} (%container.id) %proc.name (%thread.tid:%thread.vtid) {_TAIL}"
    for data, field in (
        ("container", "container.name"),
        ("kubernetes", "k8s.pod.name"),
        ("mesos", "mesos.task.name"),
    )
}
_ESCAPES: Final = (("\\n", "\n"), ("\\t", "\t"), ("\\e", "\x1b"), ("\\\\", "\\"))


def default_format(data: str, *, is_terminal: bool) -> str:
    """Return the format without -p, as one would write it after -p."""
    return NAMED.get(data) or (COLOURED if is_terminal else PLAIN)


def line_format(options: Options, *, is_terminal: bool) -> str:
    """Return the format of the event lines, escapes replaced."""
    text = default_format(options.data, is_terminal=is_terminal) if options.format is None else options.format
    for written, meant in _ESCAPES:
        text = text.replace(written, meant)
    return text


def uses_colours(options: Options, *, is_terminal: bool) -> bool:
    """Return whether the lines may leave another colour behind: those of a given format, or any on a terminal."""
    if options.format is None:
        return is_terminal
    return "\x1b" in line_format(options, is_terminal=is_terminal)
