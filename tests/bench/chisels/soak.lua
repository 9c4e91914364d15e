-- A chisel with some work to do, which tells every second how much it did and what that took: seconds of the capture,
-- events, processor time of the program.
description = "Counts bytes per process and file, and its own work."
short_description = "Soak test"
category = "Performance"
args = {}

local bytes, events, began = {}, 0, nil
local name, file, result

function on_init()
    name, file = chisel.request_field("proc.name"), chisel.request_field("fd.name")
    result = chisel.request_field("evt.rawarg.res")
    chisel.set_filter("evt.is_io=true")
    chisel.set_interval_s(1)
    return true
end

function on_event()
    events = events + 1
    local key = (evt.field(name) or "") .. "\001" .. (evt.field(file) or "")
    bytes[key] = (bytes[key] or 0) + (evt.field(result) or 0)
    return false
end

function on_interval(seconds)
    local now = os.clock()
    if began then
        print(seconds, events, ("%.6f"):format(now - began))
    end
    began, events = now, 0
    return true
end
