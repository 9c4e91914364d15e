-- Network reads and writes that took longer than a threshold, one line each.
--
--   sysdig-py -c netlower "10 disable_colors"
--
--   evt.datetime            proc.name    evt.type LATENCY(ms)  fd.name
--   ----------------------- ------------ -------- ------------ -----------------------------------------
--   2024-05-02 10:15:48.586 curl         recvfrom           36 10.0.2.15:37140->93.184.216.34:80
-- luacheck: read globals clean parse_numeric_input

require "common"
local terminal = require "ansiterminal"

description = "Shows network I/O that took at least so many milliseconds (0: all of it). With -pc the container is "
    .. "shown. Blue lines are processes in a container, green lines processes of the host."
short_description = "Trace slow network I/0"
category = "Performance"

args = {
    { name = "min_ms", argtype = "int", description = "Minimum millisecond threshold for showing network I/O" },
    {
        name = "disable_color", argtype = "string", optional = true,
        description = "Set to 'disable_colors' if you want to disable color output",
    },
}

local NS_PER_MS = 1000000
local FILTER = "evt.is_io=true and (fd.type=ipv4 or fd.type=ipv6)"
local PLAIN = "%-23.23s %-12.12s %-8s %12s %s"
local WITH_CONTAINER = "%-23.23s %-20.20s %-20.20s %-12.12s %-8s %12s %s"

local min_ns
local has_colors = true
local with_container
local fields

function on_set_arg(name, value)
    if name == "disable_color" then
        has_colors = value ~= "disable_colors"
    else
        min_ns = parse_numeric_input(value, name) * NS_PER_MS
    end
    return true
end

local function print_header()
    local titles = { "evt.datetime", "proc.name", "evt.type", "LATENCY(ms)", "fd.name" }
    local dashes = { ("-"):rep(23), ("-"):rep(12), ("-"):rep(8), ("-"):rep(12), ("-"):rep(41) }
    if with_container then
        table.insert(titles, 2, "container.id")
        table.insert(titles, 3, "container.name")
        table.insert(dashes, 2, ("-"):rep(20))
        table.insert(dashes, 3, ("-"):rep(20))
    end
    titles[#titles - 1] = ("%-12s"):format(titles[#titles - 1])
    print((with_container and WITH_CONTAINER or PLAIN):format(unpack(titles)))
    print(table.concat(dashes, " "))
end

function on_init()
    terminal.enable_color(has_colors)
    with_container = sysdig.is_print_container_data()
    fields = {
        time = chisel.request_field("evt.datetime"),
        process = chisel.request_field("proc.name"),
        type = chisel.request_field("evt.type"),
        latency = chisel.request_field("evt.latency"),
        name = chisel.request_field("fd.name"),
        container = chisel.request_field("container.name"),
        container_id = chisel.request_field("container.id"),
    }
    chisel.set_filter(FILTER)
    print_header()
    return true
end

local function print_call(latency)
    local container = evt.field(fields.container) or ""
    local color = (container ~= "" and container ~= "host") and terminal.blue or terminal.green
    local time, process = evt.field(fields.time) or "", clean(evt.field(fields.process) or "")
    local type, name = evt.field(fields.type), clean(evt.field(fields.name) or "")
    local ms = ("%d"):format(latency / NS_PER_MS)
    if with_container then
        local id = evt.field(fields.container_id) or ""
        print(color .. WITH_CONTAINER:format(time, id, container, process, type, ms, name))
    else
        print(color .. PLAIN:format(time, process, type, ms, name))
    end
end

function on_event()
    local latency = evt.field(fields.latency)
    if latency and latency > 0 and latency >= min_ns then
        print_call(latency)
    end
    return true
end
