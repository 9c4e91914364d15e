-- Addresses, roles and names of sockets in streams with enter events: both ends as the calls report them, ends that
-- are not known completed from the interfaces. An end that is not set is nil.
local address = require("state.address")
local fds = require("state.fds")
local interfaces = require("state.interfaces")

local M = {}

local AF_UNIX, AF_INET, AF_INET6 = 1, 2, 10
local NONE_V4, NONE_V6 = ("\0"):rep(4), ("\0"):rep(16)
local MAPPED = ("\0"):rep(10) .. "\255\255"

function M.is_socket(fd)
    return fd.type == fds.IPV4 or fd.type == fds.IPV6
end

local function is_mapped(raw)
    return raw:sub(1, 12) == MAPPED or raw == NONE_V6
end

-- IPv4 when both ends are IPv4 in IPv6 clothes (or nothing); others stay.
local function unmapped(sip, dip)
    if #sip == 16 and is_mapped(sip) and is_mapped(dip) then return sip:sub(13), dip:sub(13) end
    return sip, dip
end

M.unmapped = unmapped

function M.unmapped_one(raw)
    if #raw == 16 and is_mapped(raw) then return raw:sub(13) end
    return raw
end

local function is_unset(raw)
    return not raw or raw == NONE_V4 or raw == NONE_V6
end

local function fits(raw, like)
    return raw and #raw == #like
end

local function is_same(fd, sip, sport, dip, dport)
    if fd.sip == sip and fd.sport == sport and fd.dip == dip and fd.dport == dport then return true end
    return fd.sip == dip and fd.sport == dport and fd.dip == sip and fd.dport == sport
end

-- Store a tuple: the source as reported, the destination where none was known. False when it tells nothing new.
local function set_ends(fd, sip, sport, dip, dport)
    if is_same(fd, sip, sport, dip, dport) then return false end
    fd.sip, fd.sport, fd.sent, fd.received = sip, sport, nil, nil
    if is_unset(fd.dip) or not fits(fd.dip, dip) then fd.dip = dip end
    if not fd.dport or fd.dport == 0 then fd.dport = dport end
    return true
end

-- Complete a missing end of an IPv4 socket.
function M.complete(fd)
    if fd.type ~= fds.IPV4 or not fd.sip or not fd.dip then return end
    if is_unset(fd.sip) then
        fd.sip = interfaces.source_for(fd.dip)
    elseif is_unset(fd.dip) then
        fd.dip = interfaces.source_for(fd.sip)
    end
end

function M.swap(fd)
    fd.sip, fd.dip, fd.sport, fd.dport = fd.dip, fd.sip, fd.dport, fd.sport
end

function M.rename(fd)
    if fd.listener then
        fd.name = address.endpoint(fd.dip, fd.dport)
    elseif fd.sip and fd.dip then
        fd.name = address.pair(fd.sip, fd.sport or 0, fd.dip, fd.dport or 0)
    end
end

local L4_CODE = { tcp = 2, udp = 3, icmp = 4, raw = 5 }

-- A listener that gets data becomes a plain socket. Where the recorder keeps an address's destination, a listener has
-- its port and protocol: these are what the destination then reads as.
local function no_longer_listener(fd)
    local port = fd.dport or 0
    local rest = ("\0"):rep(#fd.dip == 4 and 1 or 13)
    fd.dip = string.char(port % 256, math.floor(port / 256), L4_CODE[fd.l4] or 1) .. rest
    fd.dport, fd.listener = 0, false
end

-- Take the ends of an IP tuple. Returns whether they were news.
function M.take(fd, sip, sport, dip, dport)
    sip, dip = unmapped(sip, dip)
    if fd.listener then no_longer_listener(fd) end
    fd.type, fd.listener = #dip == 4 and fds.IPV4 or fds.IPV6, false
    return set_ends(fd, sip, sport, dip, dport)
end

-- Whether the socket knows exactly these ends, in either direction.
function M.holds(fd, sip, sport, dip, dport)
    sip, dip = unmapped(sip, dip)
    return is_same(fd, sip, sport, dip, dport)
end

function M.set_unix(fd, source, peer, path)
    fd.type, fd.source, fd.peer, fd.path = fds.UNIX, source, peer, path
end

-- Where a connect is going, from its enter event.
function M.aim(fd, family, ip, port)
    if family == AF_UNIX then
        fd.name, fd.path = ip or "", ip
    elseif (family == AF_INET or family == AF_INET6) and port then
        ip = M.unmapped_one(ip)
        fd.type = #ip == 4 and fds.IPV4 or fds.IPV6
        fd.listener, fd.dip, fd.dport = false, ip, port
        if not fits(fd.sip, ip) then fd.sip, fd.sport = #ip == 4 and NONE_V4 or NONE_V6, fd.sport or 0 end
    end
end

function M.listen(fd, ip, port)
    ip = M.unmapped_one(ip)
    fd.type = #ip == 4 and fds.IPV4_LISTENER or fds.IPV6_LISTENER
    fd.listener, fd.role, fd.bound = true, "server", port
    fd.sip, fd.sport, fd.dip, fd.dport = nil, nil, ip, port
end

-- Whether the process listens on a port; the socket in question counts as well.
local function is_bound_to(thread, port)
    for _, fd in pairs(thread.fds) do
        if (fd.type == fds.IPV4_LISTENER or fd.type == fds.IPV4) and fd.dport == port then return true end
    end
    return false
end

local function is_source_port(thread, port)
    for _, fd in pairs(thread.fds) do
        if fd.type == fds.IPV4 and fd.sport == port then return true end
    end
    return false
end

-- Which end this process is, going by the ports it listens on.
function M.guess_role(thread, fd, is_received)
    if not is_bound_to(thread, fd.dport) then
        fd.role = "client"
    elseif is_source_port(thread, fd.sport) then
        fd.role = is_received and "server" or "client"
    else
        fd.role = "server"
    end
end

return M
