-- Which container sits behind an address and port: learned from the sockets of threads in containers and from the
-- containers' own addresses. Updated when a socket gets its addresses, never per event; the oldest entries go first.
local address = require("state.address")
local containers = require("state.containers")

local M = { LIMIT = 65536 }

local owner, slots, next_slot = {}, {}, 1

local function key_of(ip, port)
    return ip .. ":" .. port
end

-- Nothing is known any more.
function M.forget_all()
    owner, slots, next_slot = {}, {}, 1
end

-- Loopback and unset addresses mean something else in every network namespace.
local function is_ambiguous(ip)
    return address.is_loopback(ip) or address.is_any(ip)
end

-- Remember `container` as what sits behind a key.
function M.enter(key, container)
    if not owner[key] then
        local oldest = slots[next_slot]
        if oldest then owner[oldest] = nil end
        slots[next_slot] = key
        next_slot = next_slot % M.LIMIT + 1
    end
    owner[key] = container
end

-- Remember `container` as what sits at ip:port.
function M.learn(ip, port, container)
    if not ip or not port or is_ambiguous(ip) then return end
    M.enter(key_of(ip, port), container)
end

-- All keys and containers, the oldest first.
function M.all()
    local keys = {}
    for i = 0, M.LIMIT - 1 do
        local key = slots[(next_slot + i - 1) % M.LIMIT + 1]
        if key then keys[#keys + 1] = key end
    end
    return keys, owner
end

-- The container seen behind ip:port (raw address), nil when none was.
function M.container(ip, port)
    if not ip then return nil end
    return (port and owner[key_of(ip, port)]) or containers.by_ip[ip]
end

-- A socket of `thread` has new addresses: its own end belongs to the thread's container.
function M.observe(fd, container)
    if not container then return end
    if fd.role == "client" then
        M.learn(fd.sip, fd.sport, container)
    elseif fd.dip then
        M.learn(fd.dip, fd.dport, container)
    end
end

return M
