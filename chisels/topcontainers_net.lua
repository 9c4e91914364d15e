-- Containers by the bytes they moved over the network.
--
--   sysdig-py -c topcontainers_net
--
--   Bytes               container.name
--   --------------------------------------------------------------------------------
--   4.89KB              web
--   92B                 cache

description = "Shows the containers that read and write the most bytes on network connections; the host "
    .. "is left out."
short_description = "Top containers by network I/O"
category = "Net"

args = {}

function on_init()
    chisel.exec("table_generator", "container.name", "container.name",
        "evt.rawarg.res", "Bytes",
        "(fd.type=ipv4 or fd.type=ipv6) and evt.is_io=true and container.name!=host", "100", "bytes")
    return true
end
