-- The table `flows`: one row per conversation of the events delivered so far, with what both ends moved.
--
-- Both ends may be on this machine; the client's counts are taken when it was seen, the server's otherwise. A request
-- ends when the direction turns: the client reads what it had asked for, the server writes what it was asked for.
local conversations = require("conversations")
local ev = require("ev")
local io = require("fields.evt_io")
local sinks = require("sinks")

local M = { rows = {} }

local READS = 8
local max = math.max

local function new_side()
    return {
        first = false, last = false, process = ev.thread.comm, pid = ev.pid,
        container = ev.container and ev.container.name or "host",
        read = 0, written = 0, asked = false, requests = 0, total = 0, longest = 0, errors = 0,
    }
end

local book = conversations.new("flow", function(conversation)
    conversation.client, conversation.server = false, false
    M.rows[#M.rows + 1] = conversation
end)

local function count(side, is_read, is_server)
    if is_read == is_server then
        side.asked = ev.rel
    elseif side.asked then
        local took = ev.rel - side.asked
        side.asked = false
        side.requests, side.total, side.longest = side.requests + 1, side.total + took, max(side.longest, took)
    end
end

local function transfer(side, is_server)
    local read, written = io.moved(READS), io.written()
    if read and read > 0 then
        side.read = side.read + read
        count(side, true, is_server)
    elseif written and written > 0 then
        side.written = side.written + written
        count(side, false, is_server)
    elseif ev.res and ev.res < 0 and ev.name ~= "close" and ev.res ~= -11 and ev.res ~= -115 then
        side.errors = side.errors + 1
    end
end

local function observe()
    local fd = ev.fd
    if not fd or not ev.is_exit or not conversations.is_end(fd) then return end
    local flow = book:find(fd)
    local is_server = not conversations.is_client(flow, fd)
    local name = is_server and "server" or "client"
    local side = flow[name]
    if not side then
        side = new_side()
        flow[name] = side
    end
    side.first = side.first or ev.ts()
    side.last = ev.ts()
    transfer(side, is_server)
    if ev.name == "close" then flow.over = true end
end

-- Follow the conversations of all events from now on.
function M.start()
    sinks.add({ on_event = observe })
end

return M
