-- What processes read from the standard input.
--
--   sysdig-py -c stdin proc.name=cat
--
--   ls

local standard_stream = require "standard_stream"

description = "Prints what processes read from the standard input; a filter restricts it to some of them."
short_description = "Print the stdin of processes"
category = "I/O"

args = {}

function on_init()
    return standard_stream.init(0)
end

on_event = standard_stream.on_event
