"""`python -m tests.bench.jit_report [-l] WORDS...`: where LuaJIT spends the time of a run, and what it cannot compile.

WORDS are those of `sysdig-py`. Prints the share of each state of the virtual machine (compiled, interpreted, C code,
garbage collector, compiler), the functions (with -l: the lines) most samples fell into, and every abort of a trace.
The run's own output goes to /dev/null.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from sysdig_py.engine import vm
from sysdig_py.ui.cli.main import main as run_program

_PROBE = rb"""
local form, interval = ...
local profile, util = require("jit.profile"), require("jit.util")
local STATES = { N = "compiled", I = "interpreted", C = "C code", G = "garbage collector", J = "compiler" }
local states, places, aborts, total, made, flushed = {}, {}, {}, 0, 0, 0

local function add(counts, key, number) counts[key] = (counts[key] or 0) + number end

profile.start(form .. "i" .. interval, function(thread, samples, state)
    total = total + samples
    add(states, STATES[state] or state, samples)
    add(places, profile.dumpstack(thread, form == "l" and "l" or "F", 1), samples)
end)

local function place(func, pc)
    local info = util.funcinfo(func, pc)
    return info.loc or tostring(info.addr)
end

jit.attach(function(what, _, func, pc, code, reason)
    if what == "stop" then made = made + 1 end
    if what == "flush" then flushed = flushed + 1 end
    if what ~= "abort" then return end
    local text = type(code) == "number" and ("error %d"):format(code) or tostring(code)
    if reason ~= nil then text = text .. " " .. (type(reason) == "function" and place(reason) or tostring(reason)) end
    add(aborts, place(func, pc) .. ": " .. text, 1)
end, "trace")

local function most(lines, title, counts, sum, limit)
    lines[#lines + 1] = title
    local keys = {}
    for key in pairs(counts) do keys[#keys + 1] = key end
    table.sort(keys, function(a, b) return counts[a] > counts[b] end)
    for i = 1, math.min(limit, #keys) do
        local n = counts[keys[i]]
        lines[#lines + 1] = sum and ("  %5.1f%%  %s"):format(100 * n / sum, keys[i]) or ("  %5d  %s"):format(n, keys[i])
    end
end

return function()
    profile.stop()
    local lines = { ("%d traces, %d flushes, %d samples"):format(made, flushed, total) }
    most(lines, "states:", states, math.max(total, 1), 9)
    most(lines, "places:", places, math.max(total, 1), 40)
    most(lines, "aborts:", aborts, nil, 40)
    return table.concat(lines, "\n")
end
"""


def main(words: list[str]) -> int:
    """Run the program with the probe inside its engine."""
    form = b"l" if words[:1] == ["-l"] else b"f"
    words = words[1:] if form == b"l" else words
    reports: list[Any] = []

    class Probed(vm.Engine):
        def _probe(self) -> None:
            reports.append(self.execute(_PROBE, form, 1))

        def begin(self, *arguments: Any) -> None:
            if not reports:
                self._probe()
            super().begin(*arguments)

    import sysdig_py.export.passes
    import sysdig_py.pipeline

    sysdig_py.pipeline.Engine = Probed  # type: ignore[misc]
    sysdig_py.export.passes.Engine = Probed  # type: ignore[misc]
    kept = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    started = time.monotonic()
    code = run_program(words)
    sys.stdout.flush()
    took = time.monotonic() - started
    os.dup2(kept, 1)
    print(f"{took:.3f} s")
    for report in reports:
        print(report().decode(errors="replace"))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
