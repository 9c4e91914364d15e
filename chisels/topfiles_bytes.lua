-- Files by the bytes read from and written to them.
--
--   sysdig-py -c topfiles_bytes
--
--   Bytes               Filename
--   --------------------------------------------------------------------------------
--   6.71KB              /var/log/syslog
--   832B                /lib/x86_64-linux-gnu/libc.so.6

description = "Shows the files from which and to which the most bytes were read and written. With -pc the "
    .. "container is shown."
short_description = "Top files by R+W bytes"
category = "I/O"

args = {}

function on_init()
    if sysdig.is_print_container_data() then
        chisel.exec("table_generator", "container.name,fd.name", "container.name,Filename",
            "evt.rawarg.res", "Bytes", "fd.type=file and evt.is_io=true", "10", "bytes")
        return true
    end
    chisel.exec("table_generator", "fd.name", "Filename",
        "evt.rawarg.res", "Bytes", "fd.type=file and evt.is_io=true", "10", "bytes")
    return true
end
