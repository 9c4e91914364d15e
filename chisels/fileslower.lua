-- Reads and writes of files that took longer than a threshold, one line each.
--
--   sysdig-py -c fileslower "10 disable_colors"
--
--   evt.datetime            proc.name    evt.type LATENCY(ms)  fd.name
--   ----------------------- ------------ -------- ------------ -----------------------------------------
--   2024-05-02 10:15:48.586 postgres     write              36 /var/lib/postgresql/13/main/pg_wal/000000010000

local slow_io = require "slow_io"

description = "Shows file I/O that took at least so many milliseconds (0: all of it); devices are left out. With -pc "
    .. "the container is shown. Blue lines are processes in a container, green lines processes of the host."
short_description = "Trace slow file I/O"
category = "Performance"

args = slow_io.arguments("file I/O")

on_set_arg = slow_io.set_arg

function on_init()
    return slow_io.init("evt.is_io=true and fd.type=file", "/dev/")
end

on_event = slow_io.on_event
