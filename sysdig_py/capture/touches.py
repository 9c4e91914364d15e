"""Which arguments of a call are fds, and what the call does to fds.

The probe has to know it to tell an open file before the first event that uses it (`probe/touch.c`).
Taken from the recipe of a call's event where there is one; the events made by code of their own are listed.
"""

from __future__ import annotations

import enum
import re
from typing import Final

from sysdig_py.schema.events import EventType


class Touch(enum.IntFlag):
    """Bits of a plan's `touch`: bits 0 to 5 are arguments that are fds."""

    FIRST = 1
    SECOND = 2
    RESULT = 0x40  # the result is an fd, and the event says what it is
    AGAIN = 0x80  # the first argument is no longer what it was
    CLOSES = 0x100  # fds are closed that the event does not name
    DUPLICATES = 0x200  # RESULT where the second argument is a command that makes a duplicate (fcntl)


THEN_NOTHING: Final = 0
THEN_PLAN: Final = 0xFF
_BY_HAND: Final[dict[str, Touch]] = {
    "SYSCALL_READ_X": Touch.FIRST,
    "SYSCALL_PREAD_X": Touch.FIRST,
    "SYSCALL_WRITE_X": Touch.FIRST,
    "SYSCALL_PWRITE_X": Touch.FIRST,
    # its fd is told when the call begins
    "SYSCALL_CLOSE_X": Touch(0),
    "SYSCALL_CLOSE_RANGE_X": Touch.CLOSES,
    "SYSCALL_OPEN_X": Touch.RESULT,
    "SYSCALL_CREAT_X": Touch.RESULT,
    "SYSCALL_OPENAT_2_X": Touch.RESULT | Touch.FIRST,
    "SYSCALL_OPENAT2_X": Touch.RESULT | Touch.FIRST,
    "SYSCALL_OPEN_BY_HANDLE_AT_X": Touch.RESULT | Touch.FIRST,
    "SYSCALL_EPOLL_CREATE_X": Touch.RESULT,
    "SYSCALL_EPOLL_CREATE1_X": Touch.RESULT,
    "SYSCALL_USERFAULTFD_X": Touch.RESULT,
    "SYSCALL_IO_URING_SETUP_X": Touch.RESULT,
    "SYSCALL_FSCONFIG_X": Touch.FIRST,
    "SYSCALL_IO_URING_ENTER_X": Touch.FIRST,
    "SOCKET_SETSOCKOPT_X": Touch.FIRST,
    "SOCKET_GETSOCKOPT_X": Touch.FIRST,
    # the port is known only now when the kernel was left to choose it
    "SOCKET_BIND_X": Touch.FIRST | Touch.AGAIN,
    "SOCKET_LISTEN_X": Touch.FIRST | Touch.AGAIN,
    "SYSCALL_FCNTL_X": Touch.FIRST | Touch.DUPLICATES,
    # what these return is an fd for some commands only; the other fd is one of another process
    "SYSCALL_BPF_2_X": Touch(0),
    "SYSCALL_PIDFD_GETFD_X": Touch.FIRST,
}
_ARGUMENT: Final = re.compile(r"a(\d)$")
_WIDE: Final = {"vm": 3, "queue": 3}  # words that make several parameters


def touches(event: EventType, recipe: str) -> Touch:
    """Return what the calls reported as `event`, made by `recipe` ("" when by other code), do with fds."""
    if event.id in _BY_HAND:
        return _BY_HAND[event.id]
    found, at = Touch(0), 0
    for word in recipe.split():
        if event.params[at].type == "fd":
            found |= _of_word(word)
        at += _WIDE.get(word, 1)
    return found


def _of_word(word: str) -> Touch:
    if word == "ret":
        return Touch.RESULT
    argument = _ARGUMENT.match(word)
    return Touch(1 << int(argument[1])) if argument else Touch(0)
