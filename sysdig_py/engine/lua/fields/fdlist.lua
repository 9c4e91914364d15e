-- Fields of all descriptors of a poll event, joined with commas.
local dialect = require("dialect")
local ev = require("ev")
local decode = require("decode")
local fdtext = require("render.fd")
local address = require("state.address")
local schema = require("schema_data")

local F = {}

-- position of the fd list per event type, false when it has none
local position = {}
for code, info in pairs(schema.events) do
    position[code] = false
    for i, param in ipairs(info.params) do
        if param.type == "fdlist" then position[code] = i - 1 end
    end
end

-- Joined `describe(num, fd)` of every polled fd; nil when the event polls none.
local function joined(describe)
    return { get = function()
        local i = position[ev.type]
        local p, len = nil, 0
        if i then p, len = decode.param(i) end
        if not p then return nil end
        local out, fds = {}, ev.thread.fds or {}
        for entry = 1, fdtext.polled(p, len) do
            local num = tonumber((fdtext.polled_entry(p, entry - 1)))
            out[#out + 1] = describe(num, fds[num])
        end
        return #out > 0 and table.concat(out, ",") or nil
    end }
end

local NONE = "<NA>"
-- sysdig leaves out descriptors that have no such end
local NO_END = not dialect.paired and NONE or nil

local function ip_of(key)
    return function(_, fd)
        local raw = fd and fd[key]
        return raw and address.text(raw) or NO_END
    end
end

local function port_of(key)
    return function(_, fd)
        local port = fd and fd[key]
        return port and ("%d"):format(port) or NO_END
    end
end

F["fdlist.nums"] = joined(function(num) return ("%d"):format(num) end)
F["fdlist.names"] = joined(function(_, fd) return fd and fd.name ~= "" and fd.name or NONE end)
F["fdlist.cips"] = joined(ip_of("sip"))
F["fdlist.sips"] = joined(ip_of("dip"))
F["fdlist.cports"] = joined(port_of("sport"))
F["fdlist.sports"] = joined(port_of("dport"))

return { fields = F }
