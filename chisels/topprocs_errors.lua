-- Processes by the number of their system calls that failed.
--
--   sysdig-py -c topprocs_errors
--
--   #Errors             Process             PID
--   --------------------------------------------------------------------------------
--   8                   ls                  32052

local process_columns = require "process_columns"

description = "Shows the processes whose system calls failed most often. With -pc the container is shown."
short_description = "Top processes by number of errors"
category = "Errors"

args = {}

function on_init()
    local keys, headings = process_columns.keys("thread.vtid")
    chisel.exec("table_generator", keys, headings,
        "evt.count", "#Errors",
        "evt.failed=true", "100", "none")
    return true
end
