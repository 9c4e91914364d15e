-- Processes by the number of their system calls that failed.
--
--   sysdig-py -c topprocs_errors
--
--   #Errors             Process             PID
--   --------------------------------------------------------------------------------
--   8                   ls                  32052

description = "Shows the processes whose system calls failed most often. With -pc the container is shown."
short_description = "Top processes by number of errors"
category = "Errors"

args = {}

function on_init()
    if sysdig.is_print_container_data() then
        chisel.exec("table_generator",
            "proc.name,proc.pid,thread.vtid,container.name", "Process,Host_pid,Container_pid,container.name",
            "evt.count", "#Errors",
            "evt.failed=true", "100", "none")
        return true
    end
    chisel.exec("table_generator", "proc.name,proc.pid", "Process,PID",
        "evt.count", "#Errors",
        "evt.failed=true", "100", "none")
    return true
end
