-- Server ports by the bytes moved over their connections.
--
--   sysdig-py -c topports_server
--
--   Bytes               Srv Port
--   --------------------------------------------------------------------------------
--   11.31KB             80

description = "Shows the TCP and UDP server ports over whose connections the most bytes went. With -pc the "
    .. "container is shown."
short_description = "Top server ports by R+W bytes"
category = "Net"

args = {}

function on_init()
    if sysdig.is_print_container_data() then
        chisel.exec("table_generator", "fd.sport,container.name", "Srv Port,container.name",
            "evt.rawarg.res", "Bytes",
            "(fd.type=ipv4 or fd.type=ipv6) and evt.is_io=true", "100", "bytes")
        return true
    end
    chisel.exec("table_generator", "fd.sport", "Srv Port",
        "evt.rawarg.res", "Bytes",
        "(fd.type=ipv4 or fd.type=ipv6) and evt.is_io=true", "100", "bytes")
    return true
end
