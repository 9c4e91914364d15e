-- Fields of a socket's two ends. `get` gives raw addresses (4 or 16 bytes); fields that mean either end give both.
local dialect = require("dialect")
local ev = require("ev")
local ports = require("ports")
local address = require("state.address")
local endpoints = require("state.endpoints")
local interfaces = require("state.interfaces")
local fdtext = require("render.fd")
local fds = require("state.fds")

local F = {}

local UNSET_V6 = ("\0"):rep(16)

-- Every end is a function of the fd that gives address and port; nil when the socket has none.

local function server_end(fd)
    if fd.listener or fd.role then return fd.dip, fd.dport end
    return nil
end

local function client_end(fd)
    if fd.role and not fd.listener then return fd.sip, fd.sport end
    return nil
end

-- Which end is the own one: by the role where the stream tells it, else by the address that this machine has.
local function local_by_address(fd)
    if fd.listener or not fd.role or not fd.dip then return nil end
    if fd.sip and interfaces.is_local(fd.sip) then return fd.sip, fd.sport end
    return fd.dip, fd.dport
end

local function remote_by_address(fd)
    if fd.listener or not fd.role or not fd.dip then return nil end
    if fd.sip and interfaces.is_local(fd.sip) then return fd.dip, fd.dport end
    return fd.sip, fd.sport
end

local function local_end(fd)
    if fd.listener or fd.role == "server" then return fd.dip, fd.dport end
    if fd.role then return fd.sip, fd.sport end
    return nil
end

local function remote_end(fd)
    if fd.listener or not fd.role then return nil end
    if fd.role == "server" then return fd.sip, fd.sport end
    return fd.dip, fd.dport
end

local function ip_of(side)
    return function()
        local fd = ev.fd
        if not fd then return nil end
        return (side(fd))
    end
end

local function port_of(side)
    return function()
        local fd = ev.fd
        if not fd then return nil end
        local _, port = side(fd)
        return port
    end
end

local function ip_text(get)
    return function()
        local raw = get()
        return raw and address.text(raw)
    end
end

-- texts of ports, made once each
local port_texts = setmetatable({}, { __index = function(known, port)
    local text = tostring(port)
    known[port] = text
    return text
end })

local function add_side(letter, side)
    local ip, port = ip_of(side), port_of(side)
    F["fd." .. letter .. "ip"] = { get = ip, text = ip_text(ip) }
    F["fd." .. letter .. "net"] = { get = ip, text = ip_text(ip) }
    F["fd." .. letter .. "port"] = { get = port }
    F["fd." .. letter .. "proto"] = { get = function()
        local number = port()
        return number and port_texts[ports.of(number)]
    end }
end

add_side("c", client_end)
add_side("s", server_end)
add_side("l", dialect.paired and local_by_address or local_end)
add_side("r", dialect.paired and remote_by_address or remote_end)

local function both_ips()
    local fd = ev.fd
    if not fd then return nil end
    if not fd.sip then return fd.dip end
    return fd.sip, fd.dip
end

local function both_ports()
    local fd = ev.fd
    if not fd then return nil end
    if not fd.sport then return fd.dport end
    return fd.sport, fd.dport
end

F["fd.ip"] = { get = both_ips, text = ip_text(both_ips) }
F["fd.net"] = { get = both_ips, text = ip_text(both_ips) }
F["fd.port"] = { get = both_ports }
F["fd.proto"] = { get = both_ports }

F["fd.l4proto"] = { get = function()
    local fd = ev.fd
    if fd and dialect.paired and not fd.role and fd.l4 ~= "raw" then return "<NA>" end
    return fd and (fd.l4 or "<NA>") or nil
end }

F["fd.sockfamily"] = { get = function()
    local fd = ev.fd
    if not fd then return nil end
    return fdtext.is_ip(fd) and "ip" or fd.type == fds.UNIX and "unix" or nil
end }

F["fd.is_server"] = { get = function()
    local fd = ev.fd
    if not fd then return nil end
    if fd.listener then return true end
    if not dialect.paired then return fd.role == "server" end
    local destination = fd.dip or (fd.type == fds.IPV6 and UNSET_V6)
    return destination ~= false and destination ~= nil and interfaces.is_local(destination)
end }

F["fd.connected"] = { get = function()
    local fd = ev.fd
    if not fd then return nil end
    return fdtext.is_ip(fd) and fd.connected or false
end }

-- Name of a container, its id while the name is not known.
local function label(container)
    return container.name ~= "" and container.name or container.id
end

-- Who has an address: a loopback address belongs to where the event happened.
local function owner(ip, port)
    if not ip then return nil end
    if address.is_loopback(ip) then return ev.container and label(ev.container) or "host" end
    local container = endpoints.container(ip, port)
    if container then return label(container) end
    return interfaces.is_local(ip) and "host" or nil
end

local function owner_of(side)
    return { get = function()
        local fd = ev.fd
        if not fd then return nil end
        return owner(side(fd))
    end }
end

F["fd.cip.container"] = owner_of(client_end)
F["fd.sip.container"] = owner_of(server_end)

-- What sysdig shows where it has no port: 0 for the client of a unix socket, and empty texts.
local function show_as_sysdig()
    local port, client, server = F["fd.cport"].get, F["fd.cproto"].get, F["fd.sproto"].get
    local function is_unix()
        return ev.fd ~= nil and ev.fd.type == fds.UNIX and ev.fd.role ~= nil
    end
    F["fd.cport"] = { get = function() return is_unix() and 0 or port() end }
    F["fd.cproto"] = { get = function() return is_unix() and "" or client() end }
    F["fd.sproto"] = { get = function()
        return ev.fd and ev.fd.listener and "" or server()
    end }
    local own_ip = F["fd.sip"].get
    local function without_listeners()
        if ev.fd and ev.fd.listener then return nil end
        return own_ip()
    end
    F["fd.sip"] = { get = without_listeners, text = ip_text(without_listeners) }
end

if dialect.paired then show_as_sysdig() end

return { fields = F }
