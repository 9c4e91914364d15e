-- The columns that name a process, alone or with its container: their fields and headings, for a table's keys.
local M = {}

-- `pid_in_container`: the field that is shown as the container's own pid.
function M.keys(pid_in_container)
    if sysdig.is_print_container_data() then
        return "proc.name,proc.pid," .. pid_in_container .. ",container.name",
            "Process,Host_pid,Container_pid,container.name"
    end
    return "proc.name,proc.pid", "Process,PID"
end

return M
