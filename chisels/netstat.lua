-- Network connections and listening sockets at the start of the trace or of the live run.
--
--   sysdig-py -r trace -c netstat
--
--   Proto Server Address           Client Address           State          TID/PID/Program Name
--   tcp   0.0.0.0:22               0.0.0.0:*                LISTEN         634/634/sshd
--   tcp   10.0.2.15:22             10.0.2.2:54626           ESTABLISHED    1019/1019/sshd
-- luacheck: read globals clean extend_string

require "common"
local thread_list = require "thread_list"

description = "Lists the network connections and the sockets that wait for one, as they are when the first event "
    .. "comes. A filter on the state restricts the list."
short_description = "List (and optionally filter) network connections"
category = "System State"

args = { thread_list.argument }

on_set_arg = thread_list.set_arg
on_capture_end = thread_list.on_capture_end

local function line(proto, server, client, state, process)
    return extend_string(proto, 6) .. extend_string(server, 25) .. extend_string(client, 25)
        .. extend_string(state, 15) .. process
end

local function print_socket(fd, process)
    local server, client, state = fd.sip .. ":" .. fd.sport, "0.0.0.0:*", "LISTEN"
    if fd.cip then
        client, state = fd.cip .. ":" .. fd.cport, "ESTABLISHED"
    end
    print(line(fd.l4proto, server, client, state, process))
end

local function state_filter()
    local network = "(fd.type=ipv4 or fd.type=ipv6)"
    return thread_list.filter() == "" and network or network .. " and (" .. thread_list.filter() .. ")"
end

on_event = thread_list.once(function()
    print(line("Proto", "Server Address", "Client Address", "State", "TID/PID/Program Name"))
    for tid, thread in thread_list.by_key(sysdig.get_thread_table(state_filter())) do
        for _, fd in thread_list.by_key(thread.fdtable) do
            if fd.sip and fd.sport then
                print_socket(fd, ("%d/%d/%s"):format(tid, thread.pid, clean(thread.comm)))
            end
        end
    end
end)
