-- Processes by the bytes they moved over the network.
--
--   sysdig-py -c topprocs_net
--
--   Bytes               Process             PID
--   --------------------------------------------------------------------------------
--   4.89KB              sshd                1224
--   92B                 curl                5120

local process_columns = require "process_columns"

description = "Shows the processes that read and write the most bytes on network connections. With -pc "
    .. "the container is shown."
short_description = "Top processes by network I/O"
category = "Net"

args = {}

function on_init()
    local keys, headings = process_columns.keys("thread.vtid")
    chisel.exec("table_generator", keys, headings,
        "evt.rawarg.res", "Bytes",
        "(fd.type=ipv4 or fd.type=ipv6) and evt.is_io=true", "100", "bytes")
    return true
end
