"""How the engine writes what it prints: time style, buffer rendering, JSON."""

from __future__ import annotations

from dataclasses import dataclass

from sysdig_py.engine.vm import Engine


@dataclass(frozen=True, slots=True)
class Display:
    """How events are shown.

    Attributes:
        time_style: what `evt.outputtime` shows (`a h r d D`).
        buffer_format: how I/O buffers are rendered; None leaves the choice to the chisels.
        whole_buffers: show I/O buffers beyond 80 characters.
        json: one JSON object per line.
    """

    time_style: str = "h"
    buffer_format: str | None = None
    whole_buffers: bool = False
    json: bool = False

    def apply(self, engine: Engine) -> None:
        """Set the engine up for it; to be done before a format is compiled."""
        lines = engine.require("format")
        lines[b"set_time_style"](self.time_style.encode())
        lines[b"set_json"](self.json)
        buffers = engine.require("render.buffer")
        buffers[b"set_mode"]((self.buffer_format or "normal").encode())
        buffers[b"set_capped"](not self.whole_buffers)
