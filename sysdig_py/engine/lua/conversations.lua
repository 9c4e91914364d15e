-- Who talks to whom: the two ends of an IP connection, or of datagrams between two addresses, as one table, whichever
-- end's descriptor an event is about. Source = client end, destination = server end, as in fds.
local address = require("state.address")
local ev = require("ev")

local M = {}

-- conversations; after so many new ones, those that no descriptor holds and nobody asked for since are forgotten
local GENERATION = 50000
local FOLLOWED = { tcp = true, udp = true }

-- A loopback address means something else in every network namespace; the container stands for it.
local function place(sip, dip)
    if not address.is_loopback(sip) and not address.is_loopback(dip) then return "" end
    return ev.container and ev.container.id or "host"
end

local function key_of(fd)
    return table.concat({ fd.l4, fd.sip, fd.sport, fd.dip, fd.dport, place(fd.sip, fd.dip) }, "\1")
end

local function is_about(conversation, fd)
    return conversation.sip == fd.sip and conversation.sport == fd.sport and conversation.dip == fd.dip
        and conversation.dport == fd.dport
end

-- Whether an fd is an end of a conversation.
function M.is_end(fd)
    return fd.role and not fd.listener and fd.sip and fd.dip and FOLLOWED[fd.l4] or false
end

local Book = {}
Book.__index = Book

local function begin(self, fd, key)
    if self.count >= GENERATION then self.old, self.young, self.count = self.young, {}, 0 end
    local conversation = {
        l4 = fd.l4, sip = fd.sip, sport = fd.sport, dip = fd.dip, dport = fd.dport, over = false,
    }
    self.make(conversation, fd)
    self.young[key], self.count = conversation, self.count + 1
    return conversation
end

-- The conversation that the end `fd` belongs to; a new one (see `new`) when it is the first time, or the one with these
-- ends is over and `fd` is another descriptor than it knew.
function Book:find(fd)
    local known = fd.conversation
    if known and is_about(known, fd) then return known end
    local key = key_of(fd)
    known = self.young[key]
    if not known then
        known = self.old[key]
        self.old[key], self.young[key] = nil, known
    end
    if not known or known.over then known = begin(self, fd, key) end
    fd.conversation = known
    return known
end

-- A book of conversations; make(conversation, fd) adds what its owner keeps about a new one.
function M.new(make)
    return setmetatable({ young = {}, old = {}, count = 0, make = make }, Book)
end

return M
