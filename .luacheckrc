-- Rules for the engine (plain LuaJIT modules) and for chisels (scripts with the globals of the chisel contract).
std = "luajit"
max_line_length = 120
self = false
cache = false

-- generated: one event per line, as long as it is
files["sysdig_py/engine/lua/schema_data.lua"] = { max_line_length = false }
files["sysdig_py/engine/lua/schema_0293.lua"] = { max_line_length = false }

-- What a chisel gives to the engine ...
local defined = {
    "description", "short_description", "category", "args", "hidden",
    "on_set_arg", "on_init", "on_capture_start", "on_event", "on_interval", "on_capture_end", "view_info",
}
-- ... and what it gets from it.
local given = { "sysdig", "chisel", "evt" }

local chisel_rules = { globals = defined, read_globals = given }
files["chisels/"] = chisel_rules
files["tests/**/chisels/"] = chisel_rules
