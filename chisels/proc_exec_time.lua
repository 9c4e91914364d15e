-- How long processes ran, one line when a process ends.
--
--   sysdig-py -c proc_exec_time disable_colors
--
--   proc.duration proc.name    proc.args
--   ------------- ------------ --------------------
--   9.25ms        ls           --color=auto
-- luacheck: read globals clean format_time_interval

require "common"
local terminal = require "ansiterminal"
local color = require "color_option"

description = "Lists the processes that end, with the time they ran. Red lines ran longer than 10 s, yellow ones "
    .. "longer than 3 s; of the others, blue ones ran in a container, green ones on the host. With -pc the "
    .. "container is shown."
short_description = "Show process execution time"
category = "Performance"

args = { color.argument }

local NS_PER_S = 1000000000
local PLAIN = "%-13.13s %-12.12s %s"
local WITH_CONTAINER = "%-13.13s %-20.20s %-20.20s %-12.12s %s"

local with_container
local fields

function on_set_arg(name, value)
    return color.take(name, value)
end

local function print_header()
    if with_container then
        print(WITH_CONTAINER:format("proc.duration", "container.id", "container.name", "proc.name", "proc.args"))
        print(WITH_CONTAINER:format(("-"):rep(13), ("-"):rep(20), ("-"):rep(20), ("-"):rep(12), ("-"):rep(20)))
    else
        print(PLAIN:format("proc.duration", "proc.name", "proc.args"))
        print(PLAIN:format(("-"):rep(13), ("-"):rep(12), ("-"):rep(20)))
    end
end

function on_init()
    color.apply()
    with_container = sysdig.is_print_container_data()
    fields = {
        duration = chisel.request_field("proc.duration"),
        process = chisel.request_field("proc.name"),
        arguments = chisel.request_field("proc.args"),
        container = chisel.request_field("container.name"),
        container_id = chisel.request_field("container.id"),
    }
    chisel.set_filter("evt.type=procexit")
    print_header()
    return true
end

local function tint(duration, container)
    if duration > 10 * NS_PER_S then
        return terminal.red
    elseif duration > 3 * NS_PER_S then
        return terminal.yellow
    end
    return color.of_container(container)
end

function on_event()
    local duration = evt.field(fields.duration)
    if not duration then
        return false
    end
    local container, time = evt.field(fields.container) or "", format_time_interval(duration)
    local process, arguments = clean(evt.field(fields.process) or ""), clean(evt.field(fields.arguments) or "")
    if with_container then
        local id = evt.field(fields.container_id) or ""
        print(tint(duration, container) .. WITH_CONTAINER:format(time, id, container, process, arguments))
    else
        print(tint(duration, container) .. PLAIN:format(time, process, arguments))
    end
    return true
end

function on_capture_end()
    print(terminal.reset)
end
