-- Saves what happened around the events that a filter selects, in a trace of its own.
--
--   sysdig-py -r trace -c around "extract.spy 500" evt.type=execve
--
--   17:35:48.514632619 curl(17497)
--
--   Saving events around 1 syslog entries to extract.spy
-- luacheck: read globals clean

require "common"
local event_dump = require "event_dump"

description = "Prints a line for every event that the filter selects, and saves what the same thread did shortly "
    .. "before and after it in another trace. It reads a trace, twice, and needs a filter."
short_description = "Export to file the events around the ones that match a filter"
category = "Misc"

args = {
    {
        name = event_dump.arguments[1].name, argtype = "string",
        description = event_dump.arguments[1].description,
    },
    event_dump.arguments[2],
}

local fields

on_set_arg = event_dump.take
on_capture_start = event_dump.start

function on_init()
    if sysdig.get_filter() == "" then
        print("no filter specified")
        return false
    end
    fields = {
        process = chisel.request_field("proc.name"),
        tid = chisel.request_field("thread.tid"),
        time = chisel.request_field("evt.time"),
    }
    return true
end

function on_event()
    local tid = evt.field(fields.tid)
    if tid then
        print(("%s %s(%d)"):format(evt.field(fields.time), clean(evt.field(fields.process) or "<NA>"), tid))
        event_dump.mark(tid)
    end
    return true
end

function on_capture_end()
    event_dump.finish("\nSaving events around %N syslog entries to %F")
end
