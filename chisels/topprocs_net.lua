-- Processes by the bytes they moved over the network.
--
--   sysdig-py -c topprocs_net
--
--   Bytes               Process             PID
--   --------------------------------------------------------------------------------
--   4.89KB              sshd                1224
--   92B                 curl                5120

description = "Shows the processes that read and write the most bytes on network connections. With -pc "
    .. "the container is shown."
short_description = "Top processes by network I/O"
category = "Net"

args = {}

function on_init()
    if sysdig.is_print_container_data() then
        chisel.exec("table_generator",
            "proc.name,proc.pid,thread.vtid,container.name", "Process,Host_pid,Container_pid,container.name",
            "evt.rawarg.res", "Bytes",
            "(fd.type=ipv4 or fd.type=ipv6) and evt.is_io=true", "100", "bytes")
        return true
    end
    chisel.exec("table_generator", "proc.name,proc.pid", "Process,PID",
        "evt.rawarg.res", "Bytes",
        "(fd.type=ipv4 or fd.type=ipv6) and evt.is_io=true", "100", "bytes")
    return true
end
