-- What the iobytes chisels share: a line per second with the bytes read and written.

local M = {}

local fields
local read, written = 0, 0

-- Begin with the events of `filter`.
function M.init(filter)
    fields = {
        size = chisel.request_field("evt.rawarg.res"),
        is_read = chisel.request_field("evt.is_io_read"),
        time = chisel.request_field("evt.time.s"),
    }
    chisel.set_filter(filter)
    chisel.set_interval_s(1)
    return true
end

function M.on_event()
    local size = evt.field(fields.size)
    if size and size > 0 then
        if evt.field(fields.is_read) then
            read = read + size
        else
            written = written + size
        end
    end
    return false
end

function M.on_interval()
    print(("%s in:%d out:%d tot:%d"):format(evt.field(fields.time), read, written, read + written))
    read, written = 0, 0
    return true
end

return M
