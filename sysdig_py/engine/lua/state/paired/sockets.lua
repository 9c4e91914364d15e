-- Socket calls in streams with enter events.
local bit = require("bit")
local ffi = require("ffi")
local address = require("state.address")
local ev = require("ev")
local decode = require("decode")
local event_info = require("event_info")
local fds = require("state.fds")
local prepare = require("state.paired.prepare")
local sockets = require("state.sockets")
local table_ = require("state.paired.fdtable")
local tuples = require("state.paired.tuples")

local handlers = {}

local band = bit.band
local int, param = decode.int, decode.param
local has_enter = prepare.has_enter
local AF_UNIX, AF_INET, AF_INET6 = 1, 2, 10
local SOCK_RAW = 3
local u8p = ffi.typeof("const uint8_t *")
local EINPROGRESS = -115

local function code_of(id, half)
    local _, code = event_info.layout("SOCKET_" .. id .. (half or "_X"))
    return code
end

local function is_inet(family)
    return family == AF_INET or family == AF_INET6
end

local PROTOCOLS = { [1] = "icmp", [6] = "tcp", [17] = "udp" }

local function l4_of(kind, protocol)
    if protocol == 255 then return "raw" end
    if protocol == 0 then return sockets.l4_of(band(kind, 0xFF), 0) end
    local l4 = PROTOCOLS[protocol]
    return l4 and kind == SOCK_RAW and "raw" or l4
end

local function add_socket(number, family, kind, protocol)
    -- an fd of another family is known to exist, and nothing more
    local fd = fds.new(number, sockets.type_of(family) or 0)
    if is_inet(family) then fd.l4 = l4_of(kind, protocol) end
    table_.add(ev.thread, fd)
end

handlers[code_of("SOCKET")] = function()
    if not ev.res or ev.res < 0 or not has_enter() then return end
    local thread = ev.thread
    add_socket(ev.res, thread.enter_1 or -1, thread.enter_2 or 0, thread.enter_3 or 0)
end

handlers[code_of("SOCKETPAIR")] = function()
    if not ev.res or ev.res < 0 then return end
    for i = 1, 2 do
        local fd = fds.new(int(i) or -1, fds.UNIX)
        fd.source, fd.peer = decode.bytes(3), decode.bytes(4)
        table_.add(ev.thread, fd)
    end
end

handlers[code_of("BIND")] = function()
    local fd = ev.valid and ev.fd
    if not fd or not ev.res or ev.res < 0 then return end
    local family, ip, port = decode.sockaddr(1)
    if not ip then return end
    if is_inet(family) then
        if port > 0 then tuples.listen(fd, ip, port) end
        fd.name = address.endpoint(tuples.unmapped_one(ip), port)
    elseif family == AF_UNIX then
        fd.name = ip
    end
end

handlers[code_of("CONNECT", "_E")] = function()
    local fd = ev.fd
    if not fd or decode.nparams() < 2 then return end
    local family, ip, port = decode.sockaddr(1)
    if family then tuples.aim(fd, family, ip, port) end
end

local function connect_unix(fd, i)
    local source, peer, path = decode.unix(i)
    if not source then return end
    fd.name = address.unix(source, peer, path)
    tuples.set_unix(fd, source, peer, path)
end

local function connect_inet(fd, sip, sport, dip, dport)
    local is_news = tuples.take(fd, sip, sport, dip, dport)
    if is_news and fd.role == "server" and fd.l4 == "udp" then tuples.swap(fd) end
    tuples.rename(fd)
end

handlers[code_of("CONNECT")] = function()
    local fd, res = ev.valid and ev.fd, ev.res
    if not fd or not res or (res < 0 and res ~= EINPROGRESS) then return end
    fd.connected = true
    local family, sip, sport, dip, dport = decode.tuple(1)
    if is_inet(family) and dip then
        connect_inet(fd, sip, sport, dip, dport)
    elseif family == AF_UNIX then
        connect_unix(fd, 1)
    else
        return
    end
    fd.role = fd.role or "client"
end

local function accept_inet(fd, sip, sport, dip, dport)
    tuples.take(fd, sip, sport, dip, dport)
    fd.l4 = "tcp"
    tuples.rename(fd)
end

local function accept()
    local number = ev.res
    if not number or number < 0 then return end
    ev.thread.pairing.last_fd, ev.fdnum = number, number
    local family, sip, sport, dip, dport = decode.tuple(1)
    local fd = fds.new(number, fds.IPV4)
    if is_inet(family) and dip then
        accept_inet(fd, sip, sport, dip, dport)
    elseif family == AF_UNIX then
        connect_unix(fd, 1)
    else
        return
    end
    fd.role, fd.connected = "server", true
    table_.add(ev.thread, fd)
end

for _, id in ipairs({ "ACCEPT", "ACCEPT4", "ACCEPT_5", "ACCEPT4_5" }) do handlers[code_of(id)] = accept end

-- Data on a socket without a name, or one that is not TCP: the tuple tells its ends.
local function learn(fd, is_received, sip, sport, dip, dport)
    if not tuples.take(fd, sip, sport, dip, dport) then return end
    fd.l4 = fd.l4 or "udp"
    tuples.complete(fd)
    if not fd.role then tuples.guess_role(ev.thread, fd, is_received) end
    if (fd.role == "client") == is_received then tuples.swap(fd) end
    tuples.rename(fd)
end

-- Same bytes as last time on this fd, and they are all it knows: nothing to learn.
local function learn_raw(fd, raw, is_received)
    local key = is_received and "received" or "sent"
    if not raw or fd[key] == raw then return end
    local p = ffi.cast(u8p, raw)
    local family, sip, sport, dip, dport = decode.tuple_at(p, #raw)
    if is_inet(family) and dip then
        learn(fd, is_received, sip, sport, dip, dport)
        if tuples.holds(fd, sip, sport, dip, dport) then fd[key] = raw end
    elseif family == AF_UNIX then
        local source, peer, path = decode.unix_at(p, #raw)
        if not source then return end
        tuples.set_unix(fd, source, peer, path)
        fd.name = address.unix(source, peer, path)
    end
end

local function is_settled(fd)
    return fd.name ~= "" and fd.l4 == "tcp"
end

-- `i`: position of the tuple of received data; nil for sent data, whose tuple came with the enter event.
local function data_call(code, is_received, i)
    handlers[code] = function()
        local fd = ev.valid and ev.fd
        if not fd or not ev.res or ev.res < 0 then return end
        if tuples.is_socket(fd) then fd.connected = true end
        if is_settled(fd) then return end
        if is_received then
            if i then learn_raw(fd, decode.bytes(i), true) end
        elseif has_enter() then
            learn_raw(fd, ev.thread.enter_1, false)
        end
    end
end

data_call(code_of("SENDTO"), false)
data_call(code_of("SENDMSG"), false)
data_call(code_of("RECVFROM"), true, 2)
data_call(code_of("RECVMSG"), true, 3)
for _, id in ipairs({ "SEND", "RECV" }) do data_call(code_of(id), true) end
for _, id in ipairs({ "READ", "WRITE", "READV", "WRITEV", "PREAD", "PWRITE", "PREADV", "PWRITEV" }) do
    local _, code = event_info.layout("SYSCALL_" .. id .. "_X")
    data_call(code, true)
end

-- A datagram on an fd that is not known: made up from where it goes.
local keep_sent = require("state.paired.enter")[code_of("SENDTO", "_E")]
handlers[code_of("SENDTO", "_E")] = function()
    keep_sent()
    local number = int(0)
    if ev.fd or not number or number < 0 then return end
    local p = param(2)
    local family = p and p[0]
    if is_inet(family) then add_socket(number, family, 2, 17) end
end

return handlers
