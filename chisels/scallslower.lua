-- System calls that took longer than a threshold, one line each.
--
--   sysdig-py -c scallslower "1000 disable_colors"
--
--   evt.datetime            proc.name               LATENCY(ms)          evt.type
--   ----------------------- ----------------------- -------------------- --------------------
--   2024-05-02 10:15:48.586 sleep                   1000.150885          nanosleep
-- luacheck: read globals clean parse_numeric_input

require "common"
local color = require "color_option"

description = "Shows the system calls that took at least so many milliseconds (0: all of them). With -pc the container "
    .. "is shown. Blue lines are processes in a container, green lines processes of the host."
short_description = "Trace slow syscalls"
category = "Performance"

args = {
    { name = "min_ms", argtype = "int", description = "Minimum millisecond threshold for a syscall to be shown" },
    color.argument,
}

local NS_PER_MS = 1000000
local PLAIN = "%-23.23s %-23.23s %-20s %s"
local WITH_CONTAINER = "%-23.23s %-20.20s %-20.20s %-23.23s %-20s %s"
local TITLES = "%-23.23s %-20.20s  %-20.20s %-23.23s %-20s %s" -- the second blank belongs to sysdig's layout

local min_ms
local with_container
local fields

function on_set_arg(name, value)
    if not color.take(name, value) then
        min_ms = parse_numeric_input(value, name)
    end
    return true
end

local function print_header()
    local dashes = { ("-"):rep(23), ("-"):rep(23), ("-"):rep(20), ("-"):rep(20) }
    if with_container then
        print(TITLES:format("evt.datetime", "container.id", "container.name", "proc.name", "LATENCY(ms)", "evt.type"))
        table.insert(dashes, 2, ("-"):rep(20))
        table.insert(dashes, 3, ("-"):rep(20))
    else
        print(PLAIN:format("evt.datetime", "proc.name", "LATENCY(ms)", "evt.type"))
    end
    print(table.concat(dashes, " "))
end

function on_init()
    color.apply()
    with_container = sysdig.is_print_container_data()
    fields = {
        time = chisel.request_field("evt.datetime"),
        process = chisel.request_field("proc.name"),
        type = chisel.request_field("evt.type"),
        latency = chisel.request_field("evt.latency"),
        container = chisel.request_field("container.name"),
        container_id = chisel.request_field("container.id"),
    }
    print_header()
    return true
end

local function print_call(ms)
    local container = evt.field(fields.container) or ""
    local time, process = evt.field(fields.time) or "", clean(evt.field(fields.process) or "")
    local type, tint = evt.field(fields.type), color.of_container(container)
    if with_container then
        local id = evt.field(fields.container_id) or ""
        print(tint .. WITH_CONTAINER:format(time, id, container, process, tostring(ms), type))
    else
        print(tint .. PLAIN:format(time, process, tostring(ms), type))
    end
end

function on_event()
    local latency = evt.field(fields.latency)
    if latency and latency > 0 and latency / NS_PER_MS >= min_ms then
        print_call(latency / NS_PER_MS)
    end
    return true
end
