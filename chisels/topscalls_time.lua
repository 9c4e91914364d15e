-- System calls by the time spent inside them.
--
--   sysdig-py -c topscalls_time
--
--   Time                Syscall
--   --------------------------------------------------------------------------------
--   80ms                poll
--   391us               write

description = "Shows the 30 system calls in which the most time was spent. A filter restricts this to a "
    .. "process, a thread or a file. With -pc the container is shown."
short_description = "Top system calls by time"
category = "Performance"

args = {}

function on_init()
    if sysdig.is_print_container_data() then
        chisel.exec("table_generator", "evt.type,container.name", "Syscall,container.name",
            "evt.latency", "Time", "", "30", "time")
        return true
    end
    chisel.exec("table_generator", "evt.type", "Syscall",
        "evt.latency", "Time", "", "30", "time")
    return true
end
