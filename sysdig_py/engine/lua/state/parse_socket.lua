-- Socket calls: birth, addresses, roles.
local bit = require("bit")
local ffi = require("ffi")
local ev = require("ev")
local decode = require("decode")
local event_info = require("event_info")
local fds = require("state.fds")
local sockets = require("state.sockets")

local handlers = {}

local band, string_at = bit.band, ffi.string
local num, param = decode.num, decode.param
local layout = event_info.layout
local AF_UNIX, AF_INET, AF_INET6 = 1, 2, 10
local SOCK_CLOEXEC = 0x80000
local EINPROGRESS = -115

local function is_inet(family)
    return family == AF_INET or family == AF_INET6
end

do
    local at, code = layout("SOCKET_SOCKET_X")
    handlers[code] = function()
        local number, family = ev.res, num(at.domain)
        local kind = sockets.type_of(family)
        if not number or number < 0 or not kind then return end
        local fd = fds.new(number, kind)
        local kind_bits = num(at.type) or 0
        if is_inet(family) then fd.l4 = sockets.l4_of(band(kind_bits, 0xF), num(at.proto) or 0) end
        local flags = num(at.flags) or 0
        fd.cloexec = band(kind_bits, SOCK_CLOEXEC) ~= 0 or band(flags, fds.O_CLOEXEC) ~= 0
        fds.add(ev.thread, fd)
    end
end

do
    local at, code = layout("SOCKET_SOCKETPAIR_X")
    handlers[code] = function()
        if not ev.res or ev.res < 0 then return end
        local cloexec = band(num(at.type) or 0, SOCK_CLOEXEC) ~= 0
        for _, name in ipairs({ "fd1", "fd2" }) do
            local number = num(at[name])
            if number then
                local fd = fds.new(number, fds.UNIX)
                fd.source, fd.peer, fd.cloexec = decode.bytes(at.source), decode.bytes(at.peer), cloexec
                fds.add(ev.thread, fd)
            end
        end
    end
end

-- The fd of a socket call; one that was not seen before is made up from the family.
local function socket_fd(family)
    if ev.fd then return ev.fd end
    local number, kind = ev.fdnum, sockets.type_of(family)
    if not number or number < 0 or not kind then return nil end
    return fds.add(ev.thread, fds.new(number, kind))
end

do
    local at, code = layout("SOCKET_BIND_X")
    handlers[code] = function()
        if not ev.res or ev.res < 0 then return end
        local family, ip, port = decode.sockaddr(at.addr)
        if is_inet(family) and port then
            local fd = socket_fd(family)
            if not fd then return end
            if port > 0 then sockets.listen_at(fd, ip, port) else fd.bound = fd.bound or 0 end
        elseif family == AF_UNIX and ip then
            local fd = socket_fd(family)
            if fd then fd.name, fd.path, fd.role = ip, ip, "server" end
        end
    end
end

do
    local _, code = layout("SOCKET_LISTEN_X")
    handlers[code] = function()
        local fd = ev.fd
        if not fd or not ev.res or ev.res < 0 or fd.listener then return end
        fd.role = "server"
        if fd.type == fds.IPV4 then
            fd.type, fd.listener = fds.IPV4_LISTENER, true
        elseif fd.type == fds.IPV6 then
            fd.type, fd.listener = fds.IPV6_LISTENER, true
        end
        fd.dip, fd.dport = fd.dip or (fd.type == fds.IPV4_LISTENER and "\0\0\0\0" or ("\0"):rep(16)), fd.dport or 0
    end
end

local function connect_unix(fd, i)
    local source, peer, path = decode.unix(i)
    if source then sockets.set_unix(fd, source, peer, path) end
    fd.role, fd.connected = fd.role or "client", true
end

local function connect(at)
    local family, sip, sport, dip, dport = decode.tuple(at.tuple)
    if is_inet(family) and dip then
        local fd = socket_fd(family)
        if fd then sockets.connect(fd, "client", sip, sport, dip, dport) end
    elseif family == AF_UNIX then
        local fd = socket_fd(family)
        if fd then connect_unix(fd, at.tuple) end
    else
        local wanted, ip, port = decode.sockaddr(at.addr)
        local fd = is_inet(wanted) and ip and socket_fd(wanted)
        if fd then sockets.connect_to(fd, ip, port) end
    end
end

do
    local at, code = layout("SOCKET_CONNECT_X")
    handlers[code] = function()
        local res = ev.res
        if res and (res >= 0 or res == EINPROGRESS) then connect(at) end
    end
end

local function accept_inet(number, cloexec, sip, sport, dip, dport)
    local fd = fds.new(number, fds.IPV4)
    fd.l4, fd.cloexec = "tcp", cloexec
    fds.add(ev.thread, fd)
    sockets.connect(fd, "server", sip, sport, dip, dport)
end

local function accept_unix(number, cloexec, i)
    local fd = fds.new(number, fds.UNIX)
    fd.role, fd.connected, fd.cloexec = "server", true, cloexec
    local source, peer, path = decode.unix(i)
    if source then sockets.set_unix(fd, source, peer, path) end
    fds.add(ev.thread, fd)
end

local function accept(id)
    local at, code = layout("SOCKET_" .. id .. "_X")
    handlers[code] = function()
        local number = ev.res
        if not number or number < 0 then return end
        local flags = at.flags and num(at.flags) or 0
        local cloexec = band(flags, SOCK_CLOEXEC + fds.O_CLOEXEC) ~= 0
        local family, sip, sport, dip, dport = decode.tuple(at.tuple)
        if is_inet(family) and dip then
            accept_inet(number, cloexec, sip, sport, dip, dport)
        elseif family == AF_UNIX then
            accept_unix(number, cloexec, at.tuple)
        end
    end
end

accept("ACCEPT")
accept("ACCEPT4")
accept("ACCEPT_5")
accept("ACCEPT4_5")
accept("ACCEPT4_6")

-- Whether data calls still have something to tell about a socket: TCP ones are named by connect and accept.
local function is_settled(fd)
    return fd.name ~= "" and (fd.l4 == "tcp" or not sockets.is_ip(fd))
end

local function learn(i, is_received)
    local family, sip, sport, dip, dport = decode.tuple(i)
    if is_inet(family) and dip then
        local fd = socket_fd(family)
        if not fd then return end
        sockets.transfer(ev.thread, fd, is_received, sip, sport, dip, dport)
        fd.connected = true
    elseif family == AF_UNIX then
        local fd = socket_fd(family)
        local source, peer, path = decode.unix(i)
        if fd and source and fd.name == "" then sockets.set_unix(fd, source, peer, path) end
    end
end

-- Same bytes as last time on this fd: nothing to learn. One interned string instead of two addresses.
local function transfer(i, is_received)
    local fd = ev.fd
    if not ev.res or ev.res < 0 or (fd and is_settled(fd)) then return end
    local p, len = param(i)
    if not p then return end
    if fd then
        local raw, key = string_at(p, len), is_received and "received" or "sent"
        if fd[key] == raw then return end
        fd[key] = raw
    end
    learn(i, is_received)
end

local function data_call(id, is_received)
    local at, code = layout("SOCKET_" .. id .. "_X")
    handlers[code] = function() transfer(at.tuple, is_received) end
end

data_call("SEND", false)
data_call("SENDTO", false)
data_call("SENDMSG", false)
data_call("SENDMMSG", false)
data_call("RECV", true)
data_call("RECVFROM", true)
data_call("RECVMSG", true)
data_call("RECVMMSG", true)

return handlers
