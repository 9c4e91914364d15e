-- Bytes per second of all reads and writes.
--
--   sysdig-py -c iobytes
--
--   17:35:49 in:32114 out:0 tot:32114
--   17:35:50 in:0 out:512 tot:512

local io_rate = require "io_rate"

description = "Prints a line every second with the bytes that all reads and writes moved in, out and together."
short_description = "Sum of I/O bytes per second"
category = "I/O"

args = {}

function on_init()
    return io_rate.init("evt.is_io=true")
end

on_event = io_rate.on_event
on_interval = io_rate.on_interval
