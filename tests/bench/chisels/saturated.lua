-- A chisel that cannot keep up with the load: it looks at much of every event, and tells every second how many events
-- it got and how many losses the stream told it of.
description = "Does too much per event."
short_description = "Saturation test"
category = "Performance"
args = {}

local FIELDS = { "proc.name", "proc.cmdline", "proc.pname", "fd.name", "evt.type", "evt.args", "evt.time", "user.name" }
local fields, longest, events = {}, 0, 0

function on_init()
    for i, name in ipairs(FIELDS) do fields[i] = chisel.request_field(name) end
    chisel.set_interval_s(1)
    return true
end

function on_event()
    events = events + 1
    local parts = {}
    for i, field in ipairs(fields) do parts[i] = tostring(evt.field(field)) end
    longest = math.max(longest, #table.concat(parts, " "))
    return true
end

local function tell(mark)
    print(mark, events, sysdig.get_lost_events(), longest)
end

function on_interval()
    tell("now")
    return true
end

function on_capture_end()
    tell("end")
end
