-- Processes by the CPU time they used, in percent of the time captured.
--
--   sysdig-py -c topprocs_cpu
--
--   CPU%                Process             PID
--   --------------------------------------------------------------------------------
--   1.06%               sysdig              32048
--   0.70%               emacs               13794

local cpu_table = require "cpu_table"
local process_columns = require "process_columns"

description = "Shows the processes that used the most CPU time, from samples (procinfo events) of every thread, one "
    .. "a second. A trace has them when sysdig wrote it, or when it was "
    .. "asked for with --events procinfo. With -pc the container is shown."
short_description = "Top processes by CPU usage"
category = "CPU Usage"

args = {}

function on_init()
    return cpu_table.init(process_columns.keys("proc.vpid"))
end

on_capture_start = cpu_table.on_capture_start
on_event = cpu_table.on_event
on_interval = cpu_table.on_interval
on_capture_end = cpu_table.on_capture_end
