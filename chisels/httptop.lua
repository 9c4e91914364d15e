-- HTTP requests by URL: how many, how long, how many bytes.
--
--   sysdig-py -c httptop time
--
--   time                method              url
--   --------------------------------------------------------------------------------
--   37ms                GET                 www.google.com/
-- luacheck: read globals http_init run_http_parser print_sorted_table

require "common"
require "http"
local screen = require "screen"

description = "Shows the HTTP/1 requests by method and URL, sorted by number of calls (ncalls), bytes of the answers "
    .. "(bytes) or time until the answer (time). With -pc the container is shown."
short_description = "Top HTTP requests"
category = "Application"

args = {
    {
        name = "by", argtype = "string", optional = true,
        description = "What to sort by: ncalls (the default), bytes or time",
    },
}

local SEPARATOR = "\001\001"
local UNITS = { ncalls = "none", bytes = "bytes", time = "time" }
local VALUES = {
    ncalls = function() return 1 end,
    bytes = function(transaction) return transaction.response.length end,
    time = function(transaction) return transaction.response.ts - transaction.request.ts end,
}

local by = "ncalls"
local viz
local rows = {}

on_capture_start = screen.start

function on_set_arg(_, value)
    if not UNITS[value] then
        print("Invalid argument! Valid options: ncalls, bytes, time")
        return false
    end
    by = value
    return true
end

function on_init()
    local keys = { "method", "url" }
    if sysdig.is_print_container_data() then
        table.insert(keys, 1, "container")
    end
    viz = {
        key_fld = keys, key_desc = keys, value_fld = by, value_desc = by, value_units = UNITS[by], top_number = 30,
        output_format = sysdig.get_output_format(),
    }
    http_init()
    return true
end

local function count(transaction)
    local request = transaction.request
    local key = request.method .. SEPARATOR .. request.url
    if #viz.key_fld == 3 then
        key = transaction.container .. SEPARATOR .. key
    end
    rows[key] = (rows[key] or 0) + VALUES[by](transaction)
end

function on_event()
    run_http_parser(evt, count)
    return true
end

function on_interval(ts_s, _, delta)
    screen.clear()
    print_sorted_table(rows, ts_s, 0, delta, viz)
    rows = {}
    return true
end

function on_capture_end(ts_s, _, delta)
    if not screen.is_redrawn then
        print_sorted_table(rows, ts_s, 0, delta, viz)
    end
end
