-- Processes by the CPU time they used, in percent of the time captured. For traces made by sysdig.
--
--   sysdig-py -r trace.scap -c topprocs_cpu
--
--   CPU%                Process             PID
--   --------------------------------------------------------------------------------
--   1.06%               sysdig              32048
--   0.70%               emacs               13794

local cpu_table = require "cpu_table"
local process_columns = require "process_columns"

description = "Shows the processes that used the most CPU time, from the samples (procinfo events) that sysdig writes "
    .. "into its traces every second. With -pc the container is shown."
short_description = "Top processes by CPU usage"
category = "CPU Usage"

args = {}

function on_init()
    return cpu_table.init(process_columns.keys("proc.vpid"))
end

on_capture_start = cpu_table.on_capture_start
on_event = cpu_table.on_event
on_capture_end = cpu_table.on_capture_end
