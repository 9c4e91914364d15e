-- Network connections by the bytes moved over them, both ways together.
--
--   sysdig-py -c topconns
--
--   Bytes               Proto               Conn
--   --------------------------------------------------------------------------------
--   11.31KB             tcp                 10.0.2.2:49289->10.0.2.15:22
--   92B                 udp                 10.0.2.15:40251->10.0.2.3:53

description = "Shows the network connections that carry the most bytes, in both directions together. With "
    .. "-pc the container is shown."
short_description = "Top network connections by total bytes"
category = "Net"

args = {}

function on_init()
    if sysdig.is_print_container_data() then
        chisel.exec("table_generator", "container.name,fd.l4proto,fd.name", "container.name,Proto,Conn",
            "evt.rawarg.res", "Bytes",
            "(fd.type=ipv4 or fd.type=ipv6) and evt.is_io=true", "30", "bytes")
        return true
    end
    chisel.exec("table_generator", "fd.l4proto,fd.name", "Proto,Conn",
        "evt.rawarg.res", "Bytes",
        "(fd.type=ipv4 or fd.type=ipv6) and evt.is_io=true", "30", "bytes")
    return true
end
