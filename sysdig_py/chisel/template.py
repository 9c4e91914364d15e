"""A new chisel to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sysdig_py.errors import UsageError

FOLDER: Final = Path("chisels")

_TEXT: Final = """\
-- What this chisel is for, in one sentence.
--
--   sysdig-py -c NAME 10
--
--   42   cat

-- texts of -cl and -i NAME
description = "Counts the opened files per process and shows those with at least so many."
short_description = "Opened files per process"
category = "I/O"

-- mandatory arguments first; {} when there are none
args = {
    { name = "least", argtype = "int", optional = true, description = "Show processes with at least this many" },
}

local least = 1
local process
local counts = {}

-- once per given argument, before anything else; both are texts
function on_set_arg(_, value)
    least = tonumber(value)
    return least ~= nil
end

-- before the source is opened: ask for fields (sysdig-py -l), choose the events to see
function on_init()
    process = chisel.request_field("proc.name")
    chisel.set_filter("evt.type in (open, openat, openat2) and evt.dir=< and evt.failed=false")
    return true
end

-- the source is open: sysdig.is_live() is known; intervals can be asked for here too
function on_capture_start()
    return true
end

-- for every event that passes the filter: keep this short, and take only the fields that are needed
function on_event()
    local name = evt.field(process)
    if name then
        counts[name] = (counts[name] or 0) + 1
    end
    return false -- true prints the line of chisel.set_event_formatter(), where there is one
end

-- the end of the trace, or Ctrl-C
function on_capture_end()
    local names = {}
    for name, count in pairs(counts) do
        if count >= least then
            names[#names + 1] = name
        end
    end
    table.sort(names)
    for _, name in ipairs(names) do
        print(("%-4d %s"):format(counts[name], name))
    end
end
"""


def create(name: str) -> Path:
    """Write a new chisel to ./chisels/NAME.lua, or to the path that `name` is, and return where.

    Raises:
        UsageError: there is such a file already, or it cannot be written.
    """
    path = Path(name) if "/" in name or name.endswith(".lua") else FOLDER / f"{name}.lua"
    if not name or path.suffix not in ("", ".lua"):
        raise UsageError(f"chisel new {name}: a name or the path of a .lua file is needed")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x") as file:
            file.write(_TEXT.replace("NAME", path.stem))
    except FileExistsError as error:
        raise UsageError(f"chisel new: {path} is there already") from error
    except OSError as error:
        raise UsageError(f"chisel new: {path}: {error.strerror}") from error
    return path
