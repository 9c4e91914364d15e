"""Which calls may be left out to cap the cost: those that the engine's tables learn nothing from."""

from __future__ import annotations

import enum
from typing import Final

from sysdig_py.schema.events import EventType


class Spare(enum.IntEnum):
    """When a call may be left out (`spare` of its plan)."""

    NEVER = 0
    ALWAYS = 1
    WITHOUT_ADDRESS = 2  # when its fifth argument is 0: no address comes with the data


BRIEF_NEVER: Final = 255
_BRIEF_PARAMS_MAX: Final = 16
_ADDRESSED: Final = ("SOCKET_SENDTO_X", "SOCKET_RECVFROM_X")
_EIGHT_BYTES: Final = ("errno", "fd", "pid", "int64", "uint64")


def spare(event: EventType) -> Spare:
    """Return when a call that is reported as `event` may be left out.

    What an address that comes with data tells is the other end of a socket that has none of its own.
    """
    if event.id in _ADDRESSED:
        return Spare.WITHOUT_ADDRESS
    return Spare.NEVER if event.feeds_state else Spare.ALWAYS


def brief_fd(event: EventType, *, has_argument: bool) -> int:
    """Return which parameter of a brief record is the fd, 0 for none, BRIEF_NEVER when there is no brief record.

    A brief record has the result, which is the first parameter, and the fd.

    Args:
        event: the event.
        has_argument: whether its fd is an argument of the call.
    """
    params = event.params
    result = bool(params) and params[0].name == "res" and params[0].type in _EIGHT_BYTES
    if spare(event) is Spare.NEVER or not result or len(params) > _BRIEF_PARAMS_MAX:
        return BRIEF_NEVER
    return max(event.fd_index, 0) if has_argument else 0
