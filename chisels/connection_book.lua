-- The bookkeeping of `conns`: connections between their begin and their end, each with the sides seen on this machine.
--
-- Times are ns since the first event. A connection is over when every side that was seen has closed it; it is given
-- out once. Memory stays bounded: the idlest connections are given out when too many are open.

local M = {}

local GENERATION = 50000 -- connections; after so many new ones those not used meanwhile are given out

local Book = {}
Book.__index = Book

local function new_side()
    return { read = 0, written = 0, is_open = true }
end

local function give_out(self, generation, state)
    for _, connection in pairs(generation) do
        connection.state = connection.state or state
        self.on_end(connection)
    end
end

local function admit(self, name, now)
    local connection = self.old[name]
    self.old[name] = nil
    if self.count >= GENERATION then
        give_out(self, self.old, "idle")
        self.old, self.young, self.count = self.young, {}, 0
    end
    connection = connection or { name = name, begin = now, order = self.made }
    self.made = self.made + 1
    self.young[name], self.count = connection, self.count + 1
    return connection
end

-- Return the connection of this name, made when it is new, and its client or server side.
function Book:side(name, is_server, now)
    local connection = self.young[name] or admit(self, name, now)
    local which = is_server and "server" or "client"
    local side = connection[which]
    if not side then
        side = new_side()
        connection[which] = side
    end
    connection.last = now
    return connection, side
end

-- A side closed the connection.
function Book:close(connection, side, now)
    side.is_open = false
    local client, server = connection.client, connection.server
    if not (client and client.is_open) and not (server and server.is_open) then
        connection.finish = now
        connection.state = connection.state or "closed"
        self.young[connection.name], self.old[connection.name] = nil, nil
        self.on_end(connection)
    end
end

-- Give out what is still open, oldest first.
function Book:finish()
    local rest = {}
    for _, generation in ipairs({ self.old, self.young }) do
        for _, connection in pairs(generation) do
            rest[#rest + 1] = connection
        end
    end
    table.sort(rest, function(a, b) return a.order < b.order end)
    give_out(self, rest, "open")
    self.old, self.young = {}, {}
end

-- Return a book that calls on_end(connection) for every connection that is over.
function M.new(on_end)
    return setmetatable({ young = {}, old = {}, count = 0, made = 0, on_end = on_end }, Book)
end

return M
