-- What processes read from and write to files.
--
--   sysdig-py -c spy_file "W /var/log/syslog"
--
--   22:31:12.093490198 rsyslogd(1103) W 62B /var/log/syslog Jul  9 22:31:12 box cron[1104]: (root) CMD (true)
-- luacheck: read globals clean format_bytes

require "common"

description = "Prints every read from and write to a file, terminals left out, with time, process, size and data. The "
    .. "first argument chooses reads (R), writes (W) or both (RW), the second a single file."
short_description = "Echo any read/write made by any process to all files, or to one"
category = "I/O"

args = {
    {
        name = "read_or_write", argtype = "string", optional = true,
        description = "'R' for reads only, 'W' for writes only, 'RW' (the default) for both",
    },
    {
        name = "spy_on_file_name", argtype = "string", optional = true,
        description = "The one file to look at; all files when it is not given",
    },
}

local SNAPLEN = 2000
local CONDITIONS = { R = "evt.is_io_read=true", W = "evt.is_io_write=true", RW = "evt.is_io=true" }
local NO_TERMINALS = "(not fd.name contains /dev/pt and not fd.name contains /dev/tty) and "

local condition, names = CONDITIONS.RW, NO_TERMINALS
local fields

function on_set_arg(name, value)
    if name == "read_or_write" then
        condition = CONDITIONS[value] or CONDITIONS.RW
    else
        names = '(fd.name="' .. value .. '") and '
    end
    return true
end

function on_init()
    fields = {
        data = chisel.request_field("evt.arg.data"),
        name = chisel.request_field("fd.name"),
        is_write = chisel.request_field("evt.is_io_write"),
        pid = chisel.request_field("proc.pid"),
        process = chisel.request_field("proc.name"),
        size = chisel.request_field("evt.rawarg.res"),
        time = chisel.request_field("evt.time"),
    }
    sysdig.set_snaplen(SNAPLEN)
    sysdig.set_output_format("ascii")
    chisel.set_filter(names .. condition .. " and fd.type=file and evt.dir=< and evt.failed=false")
    return true
end

function on_event()
    local data, size = evt.field(fields.data), evt.field(fields.size)
    if data and size then
        print(("%s %s(%d) %s %s %s %s"):format(evt.field(fields.time), clean(evt.field(fields.process) or "<NA>"),
            evt.field(fields.pid) or -1, evt.field(fields.is_write) and "W" or "R", format_bytes(size),
            clean(evt.field(fields.name) or ""), data))
    end
    return true
end
