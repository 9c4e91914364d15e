-- What stdin, stdout and stderr share: the data that processes move over one fd number, as it is.

local M = {}

local SNAPLEN = 2000

local data

-- Begin with the fd of this number.
function M.init(number)
    data = chisel.request_field("evt.rawarg.data")
    sysdig.set_snaplen(SNAPLEN)
    chisel.set_filter("fd.num=" .. number .. " and evt.is_io=true")
    return true
end

-- `prefix` (optional) makes what is printed in front of the data.
function M.on_event(prefix)
    local text = evt.field(data)
    if text then
        print(prefix and prefix() .. text or text)
    end
    return true
end

return M
