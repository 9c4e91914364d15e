-- Network interfaces, and the questions about local addresses that sockets raise.
local address = require("state.address")
local bit = require("bit")

local M = { list = {} }

local band = bit.band
local NONE_V4, NONE_V6 = ("\0"):rep(4), ("\0"):rep(16)

-- Add { netns, name, addr, netmask, broadcast, speed }, replacing the same address on the same interface.
function M.add(interface)
    for i, known in ipairs(M.list) do
        if known.netns == interface.netns and known.name == interface.name and known.addr == interface.addr then
            M.list[i] = interface
            return
        end
    end
    M.list[#M.list + 1] = interface
end

function M.clear()
    for i = #M.list, 1, -1 do M.list[i] = nil end
end

local function reaches(interface, ip)
    local mask, addr = interface.netmask, interface.addr
    if #ip ~= #addr or #mask ~= #addr then return false end
    for i = 1, #ip do
        if band(ip:byte(i), mask:byte(i)) ~= band(addr:byte(i), mask:byte(i)) then return false end
    end
    return true
end

-- Whether an address is on this machine. IPv6: same first 64 bits as an interface.
function M.is_local(ip)
    for _, interface in ipairs(M.list) do
        local addr = interface.addr
        if addr == ip then return true end
        if #ip == 16 and #addr == 16 and addr:sub(1, 8) == ip:sub(1, 8) then return true end
    end
    return false
end

local function first(ip, accepts)
    for _, interface in ipairs(M.list) do
        if #interface.addr == #ip and accepts(interface, ip) then return interface.addr end
    end
    return nil
end

local function is_same(interface, ip)
    return interface.addr == ip
end

local function is_outward(interface)
    return not address.is_loopback(interface.addr)
end

-- The address this machine most likely talks to `destination` from.
function M.source_for(destination)
    return first(destination, is_same)
        or first(destination, reaches)
        or first(destination, is_outward)
        or (#destination == 4 and NONE_V4 or NONE_V6)
end

return M
