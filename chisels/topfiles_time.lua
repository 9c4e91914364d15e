-- Files by the time spent reading and writing them.
--
--   sysdig-py -c topfiles_time
--
--   Time                Filename
--   --------------------------------------------------------------------------------
--   3.44ms              /dev/tty

description = "Shows the files in whose reads and writes the most time was spent. With -pc the container is shown."
short_description = "Top files by time"
category = "I/O"

args = {}

function on_init()
    if sysdig.is_print_container_data() then
        chisel.exec("table_generator", "fd.name,container.name", "Filename,container.name",
            "evt.latency", "Time",
            "fd.type=file and evt.is_io=true", "10", "time")
        return true
    end
    chisel.exec("table_generator", "fd.name", "Filename",
        "evt.latency", "Time",
        "fd.type=file and evt.is_io=true", "10", "time")
    return true
end
