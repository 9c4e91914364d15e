-- Bytes per second of reads and writes of files.
--
--   sysdig-py -c iobytes_file
--
--   17:35:49 in:32114 out:0 tot:32114
--   17:35:50 in:0 out:512 tot:512

local io_rate = require "io_rate"

description = "Prints a line every second with the bytes that reads and writes of files moved in, out and together."
short_description = "Sum of file I/O bytes per second"
category = "I/O"

args = {}

function on_init()
    return io_rate.init("evt.is_io=true and fd.type=file")
end

on_event = io_rate.on_event
on_interval = io_rate.on_interval
