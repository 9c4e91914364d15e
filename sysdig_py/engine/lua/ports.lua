-- Ports as text: the number, or with -R the name of the service that has it.
local ev = require("ev")

local M = {}

local tcp, udp = {}, {}
local is_resolving = false

-- Take the services as lines `name port protocol`, and use their names from now on.
function M.resolve(services)
    for name, port, protocol in services:gmatch("(%S+) (%d+) (%a+)\n") do
        local names = protocol == "udp" and udp or tcp
        names[tonumber(port)] = names[tonumber(port)] or name
    end
    is_resolving = true
end

-- Whether a port's text may depend on the current event.
function M.by_name()
    return is_resolving
end

local function name_of(port, l4)
    local fd = ev.fd
    l4 = l4 or fd and fd.l4
    return (l4 == "udp" and udp or tcp)[port]
end

-- Number or name of a port of the protocol `l4`; without one, of the event's fd.
function M.of(port, l4)
    return is_resolving and name_of(port, l4) or port
end

return M
