-- Containers by the bytes they moved from and to files.
--
--   sysdig-py -c topcontainers_file
--
--   Bytes               container.name
--   --------------------------------------------------------------------------------
--   4.89KB              web

description = "Shows the containers that read from and write to files the most bytes; the host is left out."
short_description = "Top containers by R+W disk bytes"
category = "I/O"

args = {}

function on_init()
    chisel.exec("table_generator", "container.name", "container.name",
        "evt.rawarg.res", "Bytes",
        "fd.type=file and evt.is_io=true and container.name!=host", "10", "bytes")
    return true
end
