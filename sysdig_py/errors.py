"""The error tree: whose fault it is decides the exit code.

    SysdigPyError
    |- UsageError        2   the command line: option, filter, format, field, chisel name or argument
    |  |- FilterError        a filter that does not parse or type-check; carries the position
    |- TraceError        3   a trace file that cannot be read or written
    |- EnvironmentLack   4   this machine lacks something: bcc, BTF, a tracepoint, an engine
    |- RightsError       5   the caller may not do this: not root, a missing capability
    |- ChiselError       6   a chisel failed while it ran; carries the Lua traceback
    |- OutputError       7   what was to be printed could not be written: a full disk

Only `sysdig_py.ui.cli.main` prints these and exits. Everything else raises.
A message is one line: what is wrong, where, and what to do about it.
"""

from __future__ import annotations


class SysdigPyError(Exception):
    """Base of every error a user can meet; `exit_code` is what the process returns."""

    exit_code = 1


class UsageError(SysdigPyError):
    """The command line asks for something that does not exist or does not make sense."""

    exit_code = 2


class FilterError(UsageError):
    """A filter that cannot be compiled.

    Attributes:
        text: the whole filter as given.
        position: offset into `text` (in characters) where the trouble starts.
    """

    def __init__(self, message: str, text: str = "", position: int = 0) -> None:
        """Keep where in `text` the trouble starts next to the message."""
        super().__init__(message)
        self.text = text
        self.position = position


class TraceError(SysdigPyError):
    """A trace file that cannot be opened, read, decoded or written."""

    exit_code = 3


class EnvironmentLack(SysdigPyError):
    """The machine lacks what the request needs (a package, BTF, a kernel feature)."""

    exit_code = 4


class RightsError(SysdigPyError):
    """The caller lacks the privileges the request needs."""

    exit_code = 5


class ChiselError(SysdigPyError):
    """A chisel failed while running; the message holds its file, line and Lua traceback."""

    exit_code = 6


class OutputError(SysdigPyError):
    """What was to be printed cannot be written (but for a reader that has gone: that is a BrokenPipeError)."""

    exit_code = 7
