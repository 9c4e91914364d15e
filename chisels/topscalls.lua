-- System calls by how often they are made.
--
--   sysdig-py -c topscalls
--
--   # Calls             Syscall
--   --------------------------------------------------------------------------------
--   376                 rt_sigprocmask

description = "Shows the 30 system calls made most often. In traces with enter and exit events both are counted. "
    .. "With -pc the container is shown."
short_description = "Top system calls by number of calls"
category = "Performance"

args = {}

function on_init()
    if sysdig.is_print_container_data() then
        chisel.exec("table_generator", "evt.type,container.name", "Syscall,container.name",
            "evt.count", "# Calls",
            "evt.type!=switch", "30", "none")
        return true
    end
    chisel.exec("table_generator", "evt.type", "Syscall",
        "evt.count", "# Calls",
        "evt.type!=switch", "30", "none")
    return true
end
