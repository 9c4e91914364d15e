-- Network reads and writes that took longer than a threshold, one line each.
--
--   sysdig-py -c netlower "10 disable_colors"
--
--   evt.datetime            proc.name    evt.type LATENCY(ms)  fd.name
--   ----------------------- ------------ -------- ------------ -----------------------------------------
--   2024-05-02 10:15:48.586 curl         recvfrom           36 10.0.2.15:37140->93.184.216.34:80

local slow_io = require "slow_io"

description = "Shows network I/O that took at least so many milliseconds (0: all of it). With -pc the container is "
    .. "shown. Blue lines are processes in a container, green lines processes of the host."
short_description = "Trace slow network I/0"
category = "Performance"

args = slow_io.arguments("network I/O")

on_set_arg = slow_io.set_arg

function on_init()
    return slow_io.init("evt.is_io=true and (fd.type=ipv4 or fd.type=ipv6)")
end

on_event = slow_io.on_event
