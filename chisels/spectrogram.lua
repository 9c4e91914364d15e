-- Latencies of system calls over time: columns are latencies, rows periods, warmer is more. On terminals only.
--
--   sysdig-py -c spectrogram 300
--
--                ....++####++...             +++         ....
--   |ns       |10ns      |100ns     |us       |10us      |100us     |ms       |10ms      |100ms     |s

local heat_rows = require "heat_rows"

description = "Draws a row for every period: from left to right latencies of system calls from 1 ns to 100 s, the "
    .. "warmer the color the more calls took so long. A filter restricts it to some calls or processes."
short_description = "Visualize syscall latency in real time"
category = "CPU Usage"

args = { heat_rows.argument }

local PERIOD_MS = 500
local DECADES = 11 -- 1 ns to 100 s
local NAMES = { "ns", "10ns", "100ns", "us", "10us", "100us", "ms", "10ms", "100ms", "s", "10s" }

local latency

on_set_arg = heat_rows.set_arg

local function axis(width)
    local parts, done = {}, 0
    for i, name in ipairs(NAMES) do
        local stop = math.floor(i * width / DECADES)
        local room = stop - done - 1
        parts[i] = room > 0 and "|" .. ("%-" .. room .. "." .. room .. "s"):format(name) or ""
        done = stop
    end
    return table.concat(parts)
end

function on_init()
    latency = chisel.request_field("evt.latency")
    chisel.set_filter("evt.dir=<")
    return heat_rows.init(PERIOD_MS, axis)
end

function on_event()
    local ns = evt.field(latency)
    if ns and ns > 0 then
        heat_rows.count(math.log10(ns) * heat_rows.width / DECADES)
    end
    return false
end

on_interval = heat_rows.on_interval
on_capture_end = heat_rows.on_capture_end
