"""Looking into an engine from a test: Lua expressions, and a sink that notes what it is shown."""

from __future__ import annotations

from typing import Any

from sysdig_py.engine.vm import Engine, Step
from tests.synthetic import Stream

_PRELUDE = """
local ev, decode = require("ev"), require("decode")
local threads, containers = require("state.threads"), require("state.containers")
local function fd(tid, num) local t = threads.get(tid) return t and t.fds[num] end
"""


class Probe:
    """An engine with the tools of a test around it."""

    def __init__(self, engine: Engine | None = None) -> None:
        self.engine = engine or Engine()

    def feed(self, stream: Stream) -> Step:
        return self.engine.feed_bytes(stream.take())

    def lua(self, code: str) -> Any:
        """Run Lua statements with ev, decode, threads, containers and fd(tid, num) at hand."""
        return self.engine.execute(_PRELUDE + code)

    def value(self, expression: str) -> Any:
        return self.lua(f"return {expression}")

    def thread(self, tid: int, field: str) -> Any:
        return self.lua(f"local t = threads.get({tid}) return t and t.{field}")

    def fd(self, tid: int, num: int, field: str = "name") -> Any:
        return self.lua(f"local f = fd({tid}, {num}) return f and f.{field}")

    def note(self, expression: str, sink: str = "") -> None:
        """Add a sink that writes `expression` and a newline for each event it is shown."""
        self.lua(f"""
            require("walk").add_sink({{ on_event = function()
                require("out").write(tostring({expression}) .. "\\n")
            end, {sink} }})""")

    def filter(self, expression: str) -> None:
        self.lua(f"require('sinks').set_filter(function() return {expression} end)")

    def noted(self) -> list[str]:
        return self.engine.take_output().decode().splitlines()
