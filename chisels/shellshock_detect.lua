-- Function definitions in the environment of shells: attempts to use the hole known as shellshock.
--
--   sysdig-py -c shellshock_detect
--
--   TIME                  PROCNAME              PID     FUNCTION
--   13:51:18.779785087    apache2               2746    () { :;}; /bin/cat /etc/passwd
-- luacheck: read globals clean extend_string

require "common"

description = "Lists the shells that were started with a function definition in their environment, and the process "
    .. "that started them: its name, its id and the text of the function."
short_description = "Print shellshock attacks"
category = "Security"

args = {}

local FUNCTION = "%(%)%s*{.*"

local fields

local function print_line(time, process, pid, text)
    print(extend_string(time, 22) .. extend_string(process, 22) .. extend_string(pid, 8) .. text)
end

function on_init()
    fields = {
        parent = chisel.request_field("proc.pname"),
        parent_pid = chisel.request_field("proc.ppid"),
        environment = chisel.request_field("proc.env"),
        time = chisel.request_field("evt.time"),
    }
    chisel.set_filter("(proc.name=bash or proc.name=sh) and evt.type=execve and evt.dir=<")
    print_line("TIME", "PROCNAME", "PID", "FUNCTION")
    return true
end

function on_event()
    local definition = (evt.field(fields.environment) or ""):match(FUNCTION)
    if definition then
        print_line(evt.field(fields.time), clean(evt.field(fields.parent) or "<NA>"),
            tostring(evt.field(fields.parent_pid) or ""), clean(definition))
    end
    return false
end
