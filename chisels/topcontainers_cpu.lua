-- Containers by the CPU time they used, in percent of the time captured.
--
--   sysdig-py -c topcontainers_cpu
--
--   CPU%                container.name
--   --------------------------------------------------------------------------------
--   1.76%               host
--   0.20%               web

local cpu_table = require "cpu_table"

description = "Shows the containers that used the most CPU time, from samples (procinfo events) of every thread, one "
    .. "a second. A trace has them when sysdig wrote it, or when it was asked for with --events procinfo."
short_description = "Top containers by CPU usage"
category = "CPU Usage"

args = {}

function on_init()
    return cpu_table.init("container.name", "container.name")
end

on_capture_start = cpu_table.on_capture_start
on_event = cpu_table.on_event
on_interval = cpu_table.on_interval
on_capture_end = cpu_table.on_capture_end
