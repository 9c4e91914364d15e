-- Open fds of all processes at the start of the trace or of the live run.
--
--   sysdig-py -r trace -c lsof "'fd.name contains /var/log'"
--
--   COMMAND             PID     TID     USER    FD      TYPE        NAME
--   rsyslogd            1103    1103    syslog  8       file        /var/log/syslog
-- luacheck: read globals clean extend_string

require "common"
local thread_list = require "thread_list"

description = "Lists the fds that are open when the first event comes, by thread and number, and the process, the "
    .. "user, the type and the name of each. A filter on the state restricts the list."
short_description = "List (and optionally filter) the open file descriptors"
category = "System State"

args = { thread_list.argument }

on_set_arg = thread_list.set_arg
on_capture_end = thread_list.on_capture_end

local function line(command, pid, tid, user, fd, type, name)
    return extend_string(command, 20) .. extend_string(pid, 8) .. extend_string(tid, 8) .. extend_string(user, 8)
        .. extend_string(fd, 8) .. extend_string(type, 12) .. name
end

on_event = thread_list.once(function()
    print(line("COMMAND", "PID", "TID", "USER", "FD", "TYPE", "NAME"))
    for tid, thread in thread_list.by_key(sysdig.get_thread_table(thread_list.filter())) do
        for num, fd in thread_list.by_key(thread.fdtable) do
            print(line(clean(thread.comm), tostring(thread.pid), tostring(tid), thread.username, tostring(num),
                fd.type, clean(fd.name)))
        end
    end
end)
