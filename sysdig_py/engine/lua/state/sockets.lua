-- Sockets: addresses, roles and names of fds. Source = client end, destination = server end, as in a tuple.
local address = require("state.address")
local endpoints = require("state.endpoints")
local ev = require("ev")
local fds = require("state.fds")
local interfaces = require("state.interfaces")

local M = {}

local AF_UNIX, AF_INET, AF_INET6 = 1, 2, 10
local SOCK_STREAM, SOCK_DGRAM, SOCK_RAW = 1, 2, 3
local L4_BY_PROTOCOL = { [1] = "icmp", [6] = "tcp", [17] = "udp", [58] = "icmp", [255] = "raw" }

function M.is_ip(fd)
    local kind = fd.type
    return kind >= fds.IPV4 and kind <= fds.IPV6_LISTENER
end

-- fd type of an address family; nil for families that are not followed.
function M.type_of(family)
    if family == AF_INET then return fds.IPV4 end
    if family == AF_INET6 then return fds.IPV6 end
    if family == AF_UNIX then return fds.UNIX end
    if family == 16 then return fds.NETLINK end
    return nil
end

function M.l4_of(kind, protocol)
    if kind == SOCK_RAW then return "raw" end
    if protocol == 0 and kind == SOCK_STREAM then return "tcp" end
    if protocol == 0 and kind == SOCK_DGRAM then return "udp" end
    return L4_BY_PROTOCOL[protocol]
end

local function is_complete(fd)
    return fd.sip and fd.dip and true or false
end

-- Name the fd by its addresses, and tell who sits at its own end.
function M.rename(fd)
    if fd.listener then
        fd.name = address.endpoint(fd.dip, fd.dport, fd.l4)
    elseif is_complete(fd) then
        fd.name = address.pair(fd.sip, fd.sport, fd.dip, fd.dport, fd.l4)
    end
    endpoints.observe(fd, ev.container)
end

-- Plain IPv4 for a pair of which one end is IPv4 in IPv6 clothes.
local function unmapped(sip, dip)
    local short_s, short_d = address.unmapped(sip), address.unmapped(dip)
    if #short_s == #short_d then return short_s, short_d end
    if #short_s == 4 and address.is_any(dip) then return short_s, "\0\0\0\0" end
    if #short_d == 4 and address.is_any(sip) then return "\0\0\0\0", short_d end
    return sip, dip
end

local function set_ends(fd, sip, sport, dip, dport)
    fd.sip, fd.sport, fd.dip, fd.dport = sip, sport, dip, dport
    fd.type = #dip == 4 and fds.IPV4 or fds.IPV6
    fd.listener = false
end

-- The own end of a socket bound to no address: the one its packets to `peer` carry.
local function completed(own, peer)
    if not address.is_any(own) then return own end
    local container = ev.container
    local ip = container and container.ip_raw
    if ip and #ip == #peer then return ip end
    return interfaces.source_for(peer)
end

-- A connection as connect and accept report it: client first.
function M.connect(fd, role, sip, sport, dip, dport)
    sip, dip = unmapped(sip, dip)
    if role == "client" then sip = completed(sip, dip) end
    set_ends(fd, sip, sport, dip, dport)
    fd.role, fd.connected = role, true
    M.rename(fd)
end

-- What is known of a destination without a tuple.
function M.connect_to(fd, ip, port)
    local dip = address.unmapped(ip)
    M.connect(fd, "client", fd.sip or (#dip == 4 and "\0\0\0\0" or ("\0"):rep(16)), fd.sport or 0, dip, port)
end

function M.listen_at(fd, ip, port)
    local own = address.unmapped(ip)
    fd.type = #own == 4 and fds.IPV4_LISTENER or fds.IPV6_LISTENER
    fd.listener, fd.role, fd.bound = true, "server", port
    fd.sip, fd.sport, fd.dip, fd.dport = nil, nil, own, port
    M.rename(fd)
end

function M.set_unix(fd, src8, dst8, path)
    fd.type, fd.name = fds.UNIX, address.unix(src8, dst8, path)
    fd.source, fd.peer, fd.path = src8, dst8, path
end

local function is_bound_to(thread, port)
    for _, fd in pairs(thread.fds) do
        if fd.bound == port then return true end
        if fd.role == "server" and fd.dport == port then return true end
    end
    return false
end

local function is_source_port(thread, port)
    for _, fd in pairs(thread.fds) do
        if fd.role == "client" and fd.sport == port then return true end
    end
    return false
end

-- Which end this process is, going by the ports it listens on.
local function guess_role(thread, fd, sport, dport, is_received)
    if is_received then
        -- bound to a port of the kernel's choice, which bind() does not tell
        if fd.bound == 0 or is_bound_to(thread, dport) then return "server" end
        return is_bound_to(thread, sport) and not is_source_port(thread, dport) and "server" or "client"
    end
    if is_bound_to(thread, sport) and not is_source_port(thread, sport) then return "server" end
    return "client"
end

local function is_same_pair(fd, sip, sport, dip, dport)
    if fd.sip == sip and fd.sport == sport and fd.dip == dip and fd.dport == dport then return true end
    return fd.sip == dip and fd.sport == dport and fd.dip == sip and fd.dport == sport
end

-- A datagram, or data on a socket not seen before, from sip:sport to dip:dport.
function M.transfer(thread, fd, is_received, sip, sport, dip, dport)
    sip, dip = unmapped(sip, dip)
    -- receiving without a buffer for the address does not tell who sent
    if is_received and sport == 0 and address.is_any(sip) then return end
    if is_received then dip = completed(dip, sip) else sip = completed(sip, dip) end
    if is_same_pair(fd, sip, sport, dip, dport) then return end
    local role = fd.role or guess_role(thread, fd, sport, dport, is_received)
    fd.role = role
    -- stored client first: what a client receives and what a server sends runs the other way
    if (role == "client") == is_received then sip, sport, dip, dport = dip, dport, sip, sport end
    set_ends(fd, sip, sport, dip, dport)
    M.rename(fd)
end

return M
