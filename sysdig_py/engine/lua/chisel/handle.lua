-- Field name -> handle: what chisel.request_field returns and evt.field reads.

local bit = require("bit")
local dialect = require("dialect")
local ev = require("ev")
local fields = require("fields.init")

local M = {}

local AS_TEXT = { ipv4addr = true, ipv6addr = true, ipaddr = true, ipv4net = true, ipv6net = true, ipnet = true }
local AS_NIL = { sockaddr = true, sockfamily = true }
local REFUSED = { socktuple = true, fdlist = true, sigset = true, sigtype = true, syscallid = true }
-- raw in filters, rendered for chisels
local RENDERED = { ["evt.buffer"] = true, ["fd.name"] = dialect.paired }

local function nothing()
    return nil
end

local function refusal(field)
    return function()
        error("field " .. field.name .. " has the type " .. field.type .. ", which a chisel cannot read", 3)
    end
end

-- chisels count on a number wherever there is a time at all
local TIMES = { ["evt.latency"] = true, ["evt.latency.s"] = true, ["evt.latency.ns"] = true }
local INTERNAL = 256

local function time_or_none(get)
    return function()
        local value = get()
        if value == nil and bit.band(ev.info.category, INTERNAL) == 0 then return 0 end
        return value
    end
end

local function getter(field)
    if AS_NIL[field.type] then
        return nothing
    end
    if REFUSED[field.type] then
        return refusal(field)
    end
    if AS_TEXT[field.type] or RENDERED[field.name] then
        return field.text
    end
    if TIMES[field.name] and not dialect.paired then
        return time_or_none(field.get)
    end
    return field.get
end

-- Return the handle of the field `name` starts with; text behind a whole field name is ignored.
function M.request(name)
    if type(name) ~= "string" then
        return error("chisel.request_field needs a field name", 3)
    end
    local field = fields.prefix(name)
    if not field then
        return error("chisel requesting nonexistent field " .. name .. " (sysdig-py -l lists the fields)", 3)
    end
    if field.flags:find("F", 1, true) then
        return error("field " .. field.name .. " can only be used in filters", 3)
    end
    return { get = getter(field), name = field.name }
end

return M
