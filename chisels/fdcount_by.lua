-- How many different files and connections are used, by any field.
--
--   sysdig-py -c fdcount_by proc.name
--
--   ls	10
--   dockerd	4
-- luacheck: read globals clean pairs_top_by_val

require "common"

description = "Counts the different files, connections and other named fds that are used, for every value of the given "
    .. "field: proc.name, user.name, fd.type, container.name and so on (sysdig-py -l lists the fields)."
short_description = "FD count by a field of choice"
category = "I/O"

args = {
    { name = "key", argtype = "string", description = "The field by whose values the rows are made" },
}

local key
local fields
local counts, seen = {}, {}

function on_set_arg(_, value)
    key = value
    return true
end

function on_init()
    fields = {
        key = chisel.request_field(key),
        number = chisel.request_field("fd.num"),
        name = chisel.request_field("fd.name"),
    }
    return true
end

local function is_new(value, number, name)
    local fds = seen[value]
    if not fds then
        fds = {}
        seen[value], counts[value] = fds, 0
    end
    local fd = number .. " " .. name
    local new = not fds[fd]
    fds[fd] = true
    return new
end

function on_event()
    local value, number, name = evt.field(fields.key), evt.field(fields.number), evt.field(fields.name)
    if value ~= nil and (name or "") ~= "" and number and number > 0 and is_new(value, number, name) then
        counts[value] = counts[value] + 1
    end
    return false
end

function on_capture_end()
    for value, count in pairs_top_by_val(counts, 0, function(all, a, b) return all[a] > all[b] end) do
        print(clean(tostring(value)) .. "\t" .. count)
    end
end
