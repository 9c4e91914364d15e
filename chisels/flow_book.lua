-- The bookkeeping of `flows`: connections in hand, and rows made of those that are over or asked for.
--
-- A connection has two sides, each with its own counts, because both may be on this machine. Only one of them enters
-- the row. Memory stays bounded: connections that were not used for a while are added to their rows and forgotten.

local losses = require "losses"
local percentiles = require "percentiles"

local M = {}

local GENERATION = 50000 -- connections; after so many new ones the idle ones are put away

local Side = {}
Side.__index = Side

-- Count bytes moved at `now`. A request ends when the direction turns: the client reads what it had asked for, the
-- server writes what it was asked for.
function Side:move(is_read, bytes, now, is_server)
    if is_read then
        self.read = self.read + bytes
    else
        self.written = self.written + bytes
    end
    if is_read == is_server then
        self.asked = now
    elseif self.asked then
        local latency = now - self.asked
        self.asked = false
        self.requests = self.requests + 1
        self.total = self.total + latency
        self.maximum = math.max(self.maximum, latency)
        percentiles.add(self.latencies, latency)
    end
    self.lost = losses.missing()
end

local function new_side()
    -- requests = -1: not described yet
    local lost = losses.missing()
    return setmetatable({
        read = 0, written = 0, requests = -1, asked = false, total = 0, maximum = 0, latencies = {},
        lost_before = lost, lost = lost,
    }, Side)
end

local function new_row(flow, client, server)
    return {
        client = client, server = server, port = flow.port, proto = flow.proto,
        sent = 0, received = 0, requests = 0, total = 0, maximum = 0, latencies = {}, has_gap = false,
    }
end

local function add_to_row(rows, flow)
    local client = flow.client_name or flow.client_address or "?"
    local server = flow.server_name or flow.server_address or "?"
    local key = table.concat({ client, server, flow.port, flow.proto }, "\1")
    local row = rows[key] or new_row(flow, client, server)
    rows[key] = row
    local side, is_client = flow.client, true
    if not side then
        side, is_client = flow.server, false
    end
    row.sent = row.sent + (is_client and side.written or side.read)
    row.received = row.received + (is_client and side.read or side.written)
    row.requests = row.requests + side.requests
    row.total = row.total + side.total
    row.maximum = math.max(row.maximum, side.maximum)
    percentiles.merge(row.latencies, side.latencies)
    row.has_gap = row.has_gap or side.lost > side.lost_before
end

local Book = {}
Book.__index = Book

local function put_away(self)
    for _, flow in pairs(self.old) do
        add_to_row(self.done, flow)
    end
    self.old, self.young, self.count = self.young, {}, 0
end

local function admit(self, name)
    local flow = self.old[name]
    self.old[name] = nil
    if self.count >= GENERATION then
        put_away(self)
    end
    flow = flow or {}
    self.young[name], self.count = flow, self.count + 1
    return flow
end

-- Return the connection of this name and its client or server side, made when they are new.
function Book:side(name, is_server)
    local flow = self.young[name] or admit(self, name)
    local which = is_server and "server" or "client"
    local side = flow[which]
    if not side then
        side = new_side()
        flow[which] = side
    end
    return flow, side
end

local function finished(row)
    local requests = row.requests
    return {
        client = row.client, server = row.server, port = row.port, proto = row.proto,
        sent = row.sent, received = row.received, requests = requests, key = row.client .. "\1" .. row.server,
        average = requests > 0 and row.total / requests or nil, maximum = requests > 0 and row.maximum or nil,
        median = percentiles.value(row.latencies, 0.5, row.maximum), has_gap = row.has_gap,
        p99 = percentiles.value(row.latencies, 0.99, row.maximum),
    }
end

local function before(a, b)
    local bytes_a, bytes_b = a.sent + a.received, b.sent + b.received
    if bytes_a ~= bytes_b then
        return bytes_a > bytes_b
    elseif a.key ~= b.key then
        return a.key < b.key
    elseif a.port ~= b.port then
        return a.port < b.port
    end
    return a.proto < b.proto
end

local function copy_rows(rows)
    local copies = {}
    for key, row in pairs(rows) do
        local copy = {}
        for name, value in pairs(row) do
            copy[name] = value
        end
        copy.latencies = {}
        percentiles.merge(copy.latencies, row.latencies)
        copies[key] = copy
    end
    return copies
end

-- Return the rows so far, most bytes first.
function Book:rows()
    local rows, list = copy_rows(self.done), {}
    for _, generation in ipairs({ self.old, self.young }) do
        for _, flow in pairs(generation) do
            add_to_row(rows, flow)
        end
    end
    for _, row in pairs(rows) do
        list[#list + 1] = finished(row)
    end
    table.sort(list, before)
    return list
end

function M.new()
    return setmetatable({ young = {}, old = {}, done = {}, count = 0 }, Book)
end

return M
