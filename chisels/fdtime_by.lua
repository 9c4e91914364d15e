-- Time spent reading and writing, by any field.
--
--   sysdig-py -c fdtime_by fd.directory
--
--   Time                fd.directory
--   --------------------------------------------------------------------------------
--   3.44ms              /etc

description = "Sums the time spent in reads and writes for every value of the given field: fd.name, proc.name, "
    .. "user.name, container.name and so on (sysdig-py -l lists the fields)."
short_description = "I/O time by a field of choice"
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
    chisel.exec("table_generator", key, key, "evt.latency", "Time", "evt.is_io=true", "10", "time")
    return true
end
