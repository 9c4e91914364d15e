-- Sums a field per key and prints the top rows. Other chisels become this one with chisel.exec.
--
-- One table at the end; on a terminal and live, a fresh table every second instead.
--
--   chisel.exec("table_generator", "fd.name", "Filename", "evt.rawarg.res", "Bytes", "fd.type=file", "10", "bytes")

-- luacheck: read globals split parse_numeric_input print_sorted_table

require "common"
local terminal = require "ansiterminal"
local aggregate = require "aggregate"

description = "Given the parameters, sums a field per key and prints a sorted table"
short_description = "Table of a summed field"
category = "IO"
hidden = true

args = {
    { name = "keys", description = "Comma separated list of the fields that make a row", argtype = "string" },
    { name = "keydescs", description = "Comma separated list of the titles of the keys", argtype = "string" },
    { name = "value", description = "The field to sum", argtype = "string" },
    { name = "valuedesc", description = "The title of the value", argtype = "string" },
    { name = "filter", description = "Which events count", argtype = "string" },
    { name = "result_count", description = "The number of rows to print, 0 for all", argtype = "int" },
    { name = "result_units", description = "none, bytes, time or timepct", argtype = "string" },
}

local settings = {}
local viz
local value_field
local rows
local is_redrawn

function on_set_arg(name, value)
    settings[name] = value
    return true
end

function on_init()
    viz = {
        key_fld = split(settings.keys, ","),
        key_desc = split(settings.keydescs, ","),
        value_fld = settings.value,
        value_desc = settings.valuedesc,
        value_units = settings.result_units,
        top_number = parse_numeric_input(settings.result_count, "result_count"),
        output_format = sysdig.get_output_format(),
    }
    local handles = {}
    for i, field in ipairs(viz.key_fld) do
        handles[i] = chisel.request_field(field)
    end
    value_field = chisel.request_field(viz.value_fld)
    rows = aggregate.new(handles, rows)
    if settings.filter ~= "" then
        chisel.set_filter(settings.filter)
    end
    return true
end

function on_capture_start()
    is_redrawn = sysdig.is_live() and sysdig.is_tty()
    if is_redrawn then
        chisel.set_interval_s(1)
    end
    return true
end

function on_event()
    local value = evt.field(value_field)
    if value and value > 0 then
        rows:add(value)
    end
    return false
end

function on_interval(ts_s, _, delta)
    if viz.output_format ~= "json" then
        terminal.clearscreen()
        terminal.moveto(0, 0)
    end
    print_sorted_table(rows:take(), ts_s, 0, delta, viz)
    return true
end

function on_capture_end(ts_s, _, delta)
    if not is_redrawn then
        print_sorted_table(rows:read(), ts_s, 0, delta, viz)
    end
end
