-- Who talks to whom: an IP connection, or datagrams between two addresses, as one table, whichever end's descriptor an
-- event is about. sip:sport is the client's end as the first descriptor told it, dip:dport the server's.
local address = require("state.address")
local ev = require("ev")
local fds = require("state.fds")

local M = {}

-- conversations; after so many new ones, those that no descriptor holds and nobody asked for since are forgotten
local GENERATION = 50000
local FOLLOWED = { tcp = true, udp = true }

-- A loopback address means something else in every network namespace; the container stands for it.
local function place(sip, dip)
    if not address.is_loopback(sip) and not address.is_loopback(dip) then return "" end
    return ev.container and ev.container.id or "host"
end

-- The same for both ends, even when they do not agree on who is the client.
local function key_of(fd)
    local source, destination = fd.sip .. ":" .. fd.sport, fd.dip .. ":" .. fd.dport
    if source > destination then source, destination = destination, source end
    return fd.l4 .. "\1" .. source .. "\1" .. destination .. "\1" .. place(fd.sip, fd.dip)
end

local function is_about(conversation, fd)
    local sip, sport, dip, dport = fd.sip, fd.sport, fd.dip, fd.dport
    if conversation.sip == sip and conversation.sport == sport then
        return conversation.dip == dip and conversation.dport == dport
    end
    return conversation.sip == dip and conversation.sport == dport and conversation.dip == sip
        and conversation.dport == sport
end

-- Whether an fd is an end of a conversation.
function M.is_end(fd)
    return fd.role and not fd.listener and fd.sip and fd.dip and FOLLOWED[fd.l4] and #fd.sip == #fd.dip or false
end

-- Whether the process behind an fd is the client of a conversation.
function M.is_client(conversation, fd)
    if fd.role == "client" then return conversation.sip == fd.sip and conversation.sport == fd.sport end
    return conversation.sip == fd.dip and conversation.sport == fd.dport
end

local Book = {}
Book.__index = Book

local function begin(self, fd, key)
    if self.count >= GENERATION then self.old, self.young, self.count = self.young, {}, 0 end
    local conversation = {
        l4 = fd.l4, sip = fd.sip, sport = fd.sport, dip = fd.dip, dport = fd.dport, over = false,
        has_client = false, has_server = false,
    }
    self.make(conversation, fd)
    self.young[key], self.count = conversation, self.count + 1
    return conversation
end

local function recalled(self, key)
    local known = self.young[key]
    if known then return known end
    known = self.old[key]
    self.old[key], self.young[key] = nil, known
    return known
end

-- The conversation that the end `fd` belongs to. It is a new one the first time; and when the one with these ends is
-- over and had another descriptor at this end: the ports are in use again.
function Book:find(fd)
    local known = fd[self.field]
    if known and is_about(known, fd) then return known end
    local key = key_of(fd)
    known = recalled(self, key)
    local seen = known and (M.is_client(known, fd) and "has_client" or "has_server")
    if not known or (known.over and known[seen]) then
        known = begin(self, fd, key)
        seen = M.is_client(known, fd) and "has_client" or "has_server"
    end
    known[seen] = true
    fd[self.field] = known
    return known
end

-- A book of conversations. Descriptors (and their duplicates) keep theirs under the name `field`;
-- make(conversation, fd) adds what the owner of the book keeps about a new one.
function M.new(field, make)
    fds.carry(field)
    return setmetatable({ field = field, young = {}, old = {}, count = 0, make = make }, Book)
end

return M
