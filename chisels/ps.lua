-- Processes and threads at the start of the trace or of the live run.
--
--   sysdig-py -r trace -c ps proc.name=systemd
--
--   TID     PID     USER        VIRT       RES        FDLIMIT   CMD
--   1       1       root        36.61M     5.41M      65536     systemd
-- luacheck: read globals clean extend_string format_bytes

require "common"
local thread_list = require "thread_list"

description = "Lists the processes and threads that are there when the first event comes, with user, memory and the "
    .. "limit of open fds. A filter on the state restricts the list: fd.name contains /etc shows those with "
    .. "such a file open."
short_description = "List (and optionally filter) the machine processes"
category = "System State"

args = { thread_list.argument }

local BYTES_PER_KB = 1024

on_set_arg = thread_list.set_arg
on_capture_end = thread_list.on_capture_end

local function line(tid, pid, user, virtual, resident, limit, command)
    return extend_string(tid, 8) .. extend_string(pid, 8) .. extend_string(user, 12) .. extend_string(virtual, 11)
        .. extend_string(resident, 11) .. extend_string(limit, 10) .. command
end

on_event = thread_list.once(function()
    print(line("TID", "PID", "USER", "VIRT", "RES", "FDLIMIT", extend_string("CMD", 20)))
    for tid, thread in thread_list.by_key(sysdig.get_thread_table_nofds(thread_list.filter())) do
        print(line(tostring(tid), tostring(thread.pid), thread.username, format_bytes(thread.vmsize_kb * BYTES_PER_KB),
            format_bytes(thread.vmrss_kb * BYTES_PER_KB), tostring(thread.fdlimit), clean(thread.comm)))
    end
end)
