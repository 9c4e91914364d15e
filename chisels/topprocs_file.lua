-- Processes by the bytes they moved from and to files.
--
--   sysdig-py -c topprocs_file
--
--   Bytes               Process             PID
--   --------------------------------------------------------------------------------
--   6.71KB              rsyslogd            1103

local process_columns = require "process_columns"

description = "Shows the processes that read from and write to files the most bytes. With -pc the container is "
    .. "shown."
short_description = "Top processes by R+W disk bytes"
category = "I/O"

args = {}

function on_init()
    local keys, headings = process_columns.keys("thread.vtid")
    chisel.exec("table_generator", keys, headings,
        "evt.rawarg.res", "Bytes",
        "fd.type=file and evt.is_io=true", "10", "bytes")
    return true
end
