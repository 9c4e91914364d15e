-- Processes by the bytes they moved from and to files.
--
--   sysdig-py -c topprocs_file
--
--   Bytes               Process             PID
--   --------------------------------------------------------------------------------
--   6.71KB              rsyslogd            1103

description = "Shows the processes that read from and write to files the most bytes. With -pc the container is "
    .. "shown."
short_description = "Top processes by R+W disk bytes"
category = "I/O"

args = {}

function on_init()
    if sysdig.is_print_container_data() then
        chisel.exec("table_generator",
            "proc.name,proc.pid,thread.vtid,container.name", "Process,Host_pid,Container_pid,container.name",
            "evt.rawarg.res", "Bytes",
            "fd.type=file and evt.is_io=true", "10", "bytes")
        return true
    end
    chisel.exec("table_generator", "proc.name,proc.pid", "Process,PID",
        "evt.rawarg.res", "Bytes",
        "fd.type=file and evt.is_io=true", "10", "bytes")
    return true
end
