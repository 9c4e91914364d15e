-- What processes write to the standard output.
--
--   sysdig-py -c stdout proc.name=cat
--
--   bin   dev  home  lib64

local standard_stream = require "standard_stream"

description = "Prints what processes write to the standard output; a filter restricts it to some of them."
short_description = "Print the stdout of processes"
category = "I/O"

args = {}

function on_init()
    return standard_stream.init(1)
end

on_event = standard_stream.on_event
