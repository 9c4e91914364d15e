-- What processes read and write, with a line that says who and where in front of it.
--
--   sysdig-py -c echo_fds disable_colors proc.name=cat
--
--   ------ Read 832B from   /lib/x86_64-linux-gnu/libc.so.6 (cat)
--   .ELF..............>.............@...................@.8...@.....................
-- luacheck: read globals clean format_bytes

require "common"
local terminal = require "ansiterminal"

description = "Shows the data that is read from and written to any fd; a filter restricts it. Writes are blue, reads "
    .. "red. With -pc the container's name and id are shown in brackets, the host's green and others' cyan."
short_description = "Print the data read and written by processes."
category = "I/O"

args = {
    {
        name = "disable_color", argtype = "string", optional = true,
        description = "Set to 'disable_colors' if you want to disable color output",
    },
}

local SNAPLEN = 2000

local has_colors = true
local with_container
local fields

function on_set_arg(name, value)
    if name == "disable_color" then
        has_colors = value ~= "disable_colors"
    end
    return true
end

function on_init()
    terminal.enable_color(has_colors)
    with_container = sysdig.is_print_container_data()
    fields = {
        data = chisel.request_field("evt.rawarg.data"),
        is_read = chisel.request_field("evt.is_io_read"),
        size = chisel.request_field("evt.rawarg.res"),
        name = chisel.request_field("fd.name"),
        process = chisel.request_field("proc.name"),
        container = chisel.request_field("container.name"),
        container_id = chisel.request_field("container.id"),
    }
    sysdig.set_snaplen(SNAPLEN)
    chisel.set_filter("evt.is_io=true and evt.dir=< and evt.rawres>0")
    chisel.set_event_formatter("%evt.arg.data")
    return true
end

local function container_text()
    if not with_container then
        return ""
    end
    local name, id = evt.field(fields.container) or "", evt.field(fields.container_id) or ""
    local color = name == "host" and terminal.green or terminal.cyan
    return ("%s [%s] [%s]"):format(color, name, id)
end

function on_event()
    if not evt.field(fields.data) then
        return false
    end
    local is_read = evt.field(fields.is_read)
    local color, verb = terminal.blue, "Write %s to %s"
    if is_read then
        color, verb = terminal.red, "Read %s from %s"
    end
    local what = verb:format(format_bytes(evt.field(fields.size)), container_text())
    local name, process = clean(evt.field(fields.name) or ""), clean(evt.field(fields.process) or "")
    print(("%s------ %s %s %s (%s)"):format(color, what, color, name, process))
    return true
end

function on_capture_end()
    print(terminal.reset)
end
