-- Processes by the CPU time they used, in percent of the time captured. For traces made by sysdig.
--
--   sysdig-py -r trace.scap -c topprocs_cpu
--
--   CPU%                Process             PID
--   --------------------------------------------------------------------------------
--   1.06%               sysdig              32048
--   0.70%               emacs               13794

local cpu_table = require "cpu_table"

description = "Shows the processes that used the most CPU time, from the samples (procinfo events) that sysdig writes "
    .. "into its traces every second. With -pc the container is shown."
short_description = "Top processes by CPU usage"
category = "CPU Usage"

args = {}

function on_init()
    if sysdig.is_print_container_data() then
        return cpu_table.init("proc.name,proc.pid,proc.vpid,container.name",
            "Process,Host_pid,Container_pid,container.name")
    end
    return cpu_table.init("proc.name,proc.pid", "Process,PID")
end

on_capture_start = cpu_table.on_capture_start
on_event = cpu_table.on_event
on_capture_end = cpu_table.on_capture_end
