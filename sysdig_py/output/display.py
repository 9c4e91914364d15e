"""How the engine writes what it prints: time style, buffer rendering, ports, JSON."""

from __future__ import annotations

from typing import NamedTuple

from sysdig_py.engine.vm import Engine
from sysdig_py.output.services import services


class Display(NamedTuple):
    """How events are shown.

    Attributes:
        time_style: what `evt.outputtime` shows (`a h r d D`).
        buffer_format: how I/O buffers are rendered; None leaves the choice to the chisels.
        whole_buffers: show I/O buffers beyond 80 characters.
        json: one JSON object per line.
        service_names: show the names of services instead of port numbers.
        user_names: know users and groups by name.
        internal_events: print also what is not for everybody's eye, such as procinfo.
    """

    time_style: str = "h"
    buffer_format: str | None = None
    whole_buffers: bool = False
    json: bool = False
    service_names: bool = False
    user_names: bool = True
    internal_events: bool = False

    def apply(self, engine: Engine) -> None:
        """Set the engine up for it; to be done before a format is compiled."""
        lines = engine.require("format")
        lines[b"set_time_style"](self.time_style.encode())
        lines[b"set_json"](self.json)
        buffers = engine.require("render.buffer")
        buffers[b"set_mode"]((self.buffer_format or "normal").encode())
        buffers[b"set_capped"](not self.whole_buffers)
        if self.service_names:
            engine.require("ports")[b"resolve"](services())
        if not self.user_names:
            engine.require("state.users")[b"ignore"]()
