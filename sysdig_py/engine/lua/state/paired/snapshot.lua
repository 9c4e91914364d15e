-- The state a trace with enter events begins with: what its processes and sockets mean once all of it is there.
local address = require("state.address")
local cgroups = require("state.cgroups")
local fds = require("state.fds")
local threads = require("state.threads")
local tuples = require("state.paired.tuples")

local M = {}

local server_ports = {}

function M.thread(thread)
    threads.settle_files(thread)
    cgroups.resolve(thread)
end

local function enter_ip(fd)
    fd.connected = fd.l4 == "tcp"
    if fd.type == fds.IPV6 then fd.sip, fd.dip = tuples.unmapped(fd.sip, fd.dip) end
    if #fd.dip == 4 then fd.type = fds.IPV4 end
    tuples.complete(fd)
    fd.name = address.pair(fd.sip, fd.sport, fd.dip, fd.dport)
end

local function enter_listener(fd)
    fd.listener, fd.role, fd.bound, fd.sip, fd.sport = true, "server", fd.dport, nil, nil
    fd.name = address.endpoint(fd.dip, fd.dport)
    server_ports[fd.dport] = true
end

-- An fd of the table of `thread`, unless that shares the one of its process.
function M.fd(thread, fd)
    if fd.type == fds.IPV4 or fd.type == fds.IPV6 then
        if fd.dip then enter_ip(fd) end
    elseif fd.type == fds.IPV4_LISTENER or fd.type == fds.IPV6_LISTENER then
        if fd.dip then enter_listener(fd) end
    elseif fd.type == fds.UNIX then
        fd.role = fd.name == "" and "client" or "server"
    end
    if thread.main == thread or thread.fds ~= thread.main.fds then thread.fds[fd.num] = fd end
end

local function settle_socket(fd)
    if fd.type ~= fds.IPV4 or not fd.dip then return end
    fd.role = "client"
    if not server_ports[fd.sport] then return end
    tuples.swap(fd)
    tuples.rename(fd)
    fd.role = "server"
end

-- All processes and fds are there: sockets at a port that somebody listens on are servers.
function M.complete()
    for _, thread in pairs(threads.by_tid) do
        if thread.main == thread or thread.fds ~= thread.main.fds then
            for _, fd in pairs(thread.fds) do settle_socket(fd) end
        end
    end
    server_ports = {}
end

return M
