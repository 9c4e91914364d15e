-- Bytes read and written, by any field.
--
--   sysdig-py -c fdbytes_by fd.directory
--
--   Bytes               fd.directory
--   --------------------------------------------------------------------------------
--   11.31KB             /etc

description = "Sums the bytes of reads and writes for every value of the given field: fd.name, proc.name, user.name, "
    .. "container.name and so on (sysdig-py -l lists the fields)."
short_description = "I/O bytes by a field of choice"
category = "I/O"

args = {
    { name = "key", argtype = "string", description = "The field by whose values the rows are made" },
}

local key

function on_set_arg(_, value)
    key = value
    return true
end

function on_init()
    chisel.exec("table_generator", key, key, "evt.rawarg.res", "Bytes",
        "evt.is_io=true and evt.failed=false", "30", "bytes")
    return true
end
