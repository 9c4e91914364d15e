-- What is read from and stored in memcached.
--
--   sysdig-py -c memcachelog "set 1000"
--
--   2024-05-02 10:15:48.586317233 method=set size=2048B key=session:4711
--
-- A get is logged when its value is sent, since only then its size is known.
-- luacheck: read globals clean parse_numeric_input

require "common"

description = "Logs the values that clients set in memcached and get from it, with size and key. It sets the filter of "
    .. "the run, so it can be combined with none."
short_description = "memcached requests log"
category = "Application"

args = {
    { name = "method", argtype = "string", optional = true, description = "Only this method: get or set" },
    { name = "size", argtype = "int", optional = true, description = "Only values of at least so many bytes" },
}

local SNAPLEN = 4096
local PATTERNS = {
    { method = "set", pattern = "^set (%S+) %d+ %-?%d+ (%d+)" },
    { method = "get", pattern = "^VALUE (%S+) %d+ (%d+)" },
}

local method
local least = 0
local fields

function on_set_arg(name, value)
    if name == "method" then
        method = value
    else
        least = parse_numeric_input(value, name)
    end
    return true
end

function on_init()
    fields = {
        data = chisel.request_field("evt.rawarg.data"),
        time = chisel.request_field("evt.datetime"),
    }
    sysdig.set_snaplen(SNAPLEN)
    sysdig.set_filter("(fd.sport=11211 or proc.name=memcached) and evt.is_io=true")
    return true
end

function on_event()
    local data = evt.field(fields.data)
    for _, kind in ipairs(data and PATTERNS or {}) do
        local key, size = data:match(kind.pattern)
        if key and tonumber(size) >= least and (not method or method == kind.method) then
            print(("%s method=%s size=%sB key=%s"):format(evt.field(fields.time), kind.method, size, clean(key)))
        end
    end
    return false
end
