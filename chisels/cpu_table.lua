-- What topprocs_cpu and topcontainers_cpu share: CPU time per key from procinfo events.
-- luacheck: read globals split print_sorted_table

require "common"
local aggregate = require "aggregate"
local screen = require "screen"

local M = {}

local NS_PER_PERCENT_SECOND = 1e7 -- thread.cpu is percent of one second

local viz
local cpu
local rows

-- Begin with rows made of these comma separated fields and their titles.
function M.init(keys, titles)
    viz = {
        key_fld = split(keys, ","), key_desc = split(titles, ","),
        value_fld = "thread.exectime", value_desc = "CPU%", value_units = "timepct", top_number = 10,
        output_format = sysdig.get_output_format(),
    }
    local handles = {}
    for i, field in ipairs(viz.key_fld) do
        handles[i] = chisel.request_field(field)
    end
    rows, cpu = aggregate.new(handles), chisel.request_field("thread.cpu")
    chisel.set_filter("evt.type=procinfo")
    return true
end

M.on_capture_start = screen.start

function M.on_event()
    local percent = evt.field(cpu)
    if percent then
        rows:add(percent * NS_PER_PERCENT_SECOND)
    end
    return false
end

function M.on_interval(ts_s, _, delta)
    screen.clear()
    print_sorted_table(rows:take(), ts_s, 0, delta, viz)
    return true
end

function M.on_capture_end(ts_s, _, delta)
    if not screen.is_redrawn then
        print_sorted_table(rows:take(), ts_s, 0, delta, viz)
    end
end

return M
