-- When within a period system calls are made: what comes in step shows as a line. On terminals only.
--
--   sysdig-py -c subsecoffset proc.name=cron
--
--      #            ###                                       #
--      #            ###                                       #
--   |0ms                          |500ms

local heat_rows = require "heat_rows"

description = "Draws a row for every period (1 s if not told): from left to right the time within the period at which "
    .. "system calls begin, the warmer the color the more of them. A filter restricts it to some calls or processes."
short_description = "Visualize subsecond offset execution time"
category = "CPU Usage"

args = { heat_rows.argument }

local PERIOD_MS = 1000
local NS_PER_MS = 1000000

local latency

on_set_arg = heat_rows.set_arg

local function axis(width)
    local half = math.floor(width / 2)
    local left = ("|%-" .. math.max(half - 1, 1) .. "s"):format("0ms")
    return (left .. "|" .. heat_rows.period_ms() / 2 .. "ms"):sub(1, width)
end

function on_init()
    latency = chisel.request_field("evt.latency")
    chisel.set_filter("evt.dir=<")
    return heat_rows.init(PERIOD_MS, axis)
end

-- A call's begin is the time of its end less what it took, since only some traces have an event for it.
function on_event()
    local ns = evt.field(latency)
    if ns and ns > 0 then
        local sec, rest = evt.get_ts()
        local period = heat_rows.period_ms()
        local phase = (sec * 1000 + math.floor(rest / NS_PER_MS)) % period + rest % NS_PER_MS / NS_PER_MS
        heat_rows.count((phase - ns / NS_PER_MS) % period * heat_rows.width / period)
    end
    return false
end

on_interval = heat_rows.on_interval
on_capture_end = heat_rows.on_capture_end
