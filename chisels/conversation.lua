-- What spy_ip and spy_port share: the data that goes over some connections, each part under a line that says which way.
-- luacheck: read globals format_bytes

require "common"
local terminal = require "ansiterminal"
local color = require "color_option"

local M = {}

local SNAPLEN = 1000

local fields

-- Begin with the network reads and writes that pass `condition` too.
function M.init(condition)
    color.apply()
    fields = {
        data = chisel.request_field("evt.arg.data"),
        is_read = chisel.request_field("evt.is_io_read"),
        size = chisel.request_field("evt.rawarg.res"),
    }
    sysdig.set_snaplen(SNAPLEN)
    chisel.set_filter("evt.is_io=true and (fd.type=ipv4 or fd.type=ipv6) and " .. condition)
    return true
end

function M.on_event()
    local data, size = evt.field(fields.data), evt.field(fields.size)
    if data and size and size > 0 then
        local tint, verb = terminal.blue, "Write"
        if evt.field(fields.is_read) then
            tint, verb = terminal.red, "Read"
        end
        print(("%s------ %s %s"):format(tint, verb, format_bytes(size)))
        print(data)
    end
    return true
end

function M.on_capture_end()
    print(terminal.reset)
end

return M
