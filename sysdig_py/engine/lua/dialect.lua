-- Which kind of stream the engine reads, settled before any other module loads:
--   ""      exit events only, with pid, cgroup and latency in every record; the current event table
--   "0293"  enter and exit events, as in a .scap file; the event table of sysdig 0.29.3
local schema = require("schema_data")

local M = { name = "", paired = false }

local function overlay(target, source)
    for key, value in pairs(source) do target[key] = value end
end

function M.choose(name)
    assert(name == "" or name == "0293", "unknown dialect")
    M.name, M.paired = name, name == "0293"
    if not M.paired then return end
    local older = require("schema_0293")
    overlay(schema.events, older.events)
    overlay(schema.flags, older.flags)
    overlay(schema.syscall_names, older.syscall_names)
    M.event_max = older.event_max
end

return M
