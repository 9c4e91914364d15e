"""TCP and UDP conversations as a pcapng file for Wireshark, rebuilt from what processes read and wrote.

The packets are made by the engine (`engine/lua/pcapng/`); here the file is put together, in the format of
draft-ietf-opsawg-pcapng.

* One interface per container; packets are raw IP. Times are those of the events, in ns.
* A conversation of which both ends are on this machine is shown once, as the end that came first saw it.
* A packet is as long as what was moved; its bytes are those that were captured (`-s`), headers included.
* Comments name process, pid and container, with the first packet of a conversation in full.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Final

from sysdig_py.capture.source import CaptureStats
from sysdig_py.export.passes import Pass, Request

_SECTION, _MAGIC, _UNKNOWN_LENGTH = 0x0A0D0D0A, 0x1A2B3C4D, -1
_OPTIONS: Final = {"comment": 1, "hardware": 2, "os": 3, "application": 4}


@dataclass(slots=True)
class Exported:
    """What became of the events.

    Attributes:
        packets: packets written.
        conversations: TCP connections and pairs of UDP ends they belong to.
        unix: reads and writes of unix sockets, which have no packets.
        other: reads and writes of sockets that are neither TCP nor UDP, or whose ends are not known.
        failed: connections that were not made and of which the own port is not known.
        stats: what was read and lost.
    """

    packets: int
    conversations: int
    unix: int
    other: int
    failed: int
    stats: CaptureStats


def write(
    request: Request,
    file: BinaryIO,
    facts: Mapping[str, str],
    stopped: Callable[[], bool] = lambda: False,
    on_progress: Callable[[float], None] = lambda _percent: None,
) -> Exported:
    """Write the conversations among the events.

    Args:
        request: which events.
        file: where to; it is not closed.
        facts: what the file's header tells: comment, hardware, os, application.
        stopped: once true, the file ends with what was captured so far.
        on_progress: is told how much of a trace was read, in percent.

    Raises:
        SysdigPyError: the events cannot be read.
        OSError: the file cannot be written.
    """
    with Pass(request) as passing:
        lua = passing.engine.require("pcapng.sink")
        lua[b"start"]()
        machine = {"hardware": passing.source.machine.get("machine", ""), "os": passing.source.machine.get("os", "")}
        file.write(section_header(machine | dict(facts)))
        for percent in passing.steps(stopped):
            on_progress(percent)
            file.write(lua[b"take"]())
            if passing.source.is_live:
                file.flush()
        file.write(lua[b"take"]())
        packets, conversations, unix, other, failed = (int(count) for count in lua[b"counts"]())
        return Exported(packets, conversations, unix, other, failed, passing.stats())


def section_header(facts: Mapping[str, str]) -> bytes:
    """Return the block a file begins with; `facts` go into its options, empty ones are left out."""
    options = b"".join(_option(_OPTIONS[name], text.encode()) for name, text in facts.items() if text)
    options += struct.pack("<HH", 0, 0) if options else b""
    body = struct.pack("<IHHq", _MAGIC, 1, 0, _UNKNOWN_LENGTH) + options
    length = len(body) + 12
    return struct.pack("<II", _SECTION, length) + body + struct.pack("<I", length)


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)
