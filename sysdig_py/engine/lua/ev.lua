-- The current event: one table for all events, filled by the walk before any filter or sink runs.
--
-- Fields: num type info is_exit tid pid cpu flags cgroup rel latency thread fdnum fd container res name; with enter
-- events also valid (an exit has its enter) and old_name (of the fd before the event). The record itself is in
-- `record.cur.rec`. After a batch they still describe the last event (from a private copy).
-- The table has all its keys from the beginning and no metatable: where there is one, compiled code is for events that
-- follow one with values of the same types (an fd or none, ...), and there is some for each combination.
local ffi = require("ffi")
local record = require("record")

local cur = record.cur
local tonumber = tonumber
-- the second that was asked for last: its first ns, and its number
local second = ffi.new("struct { int64_t start; double number; }")
local BILLION, NS_PER_S = 1000000000LL, 1e9

local nobody = { known = false, tid = -1, pid = -1, fds = {} }

local M = {
    nobody = nobody,
    num = 0, type = 0, info = false, is_exit = false, tid = 0, pid = 0, cpu = 0, flags = 0, cgroup = 0,
    rel = 0, latency = 0, thread = nobody, fdnum = 0, fd = nobody, container = nobody, res = 0, name = "",
    valid = false, old_name = "",
}
-- Time of the event: seconds since the epoch, ns within the second.
function M.time()
    local ts = cur.rec.ts
    local ns = tonumber(ts - second.start)
    if ns < 0 or ns >= NS_PER_S then
        local s = ts / BILLION
        second.start, second.number = s * BILLION, tonumber(s)
        ns = tonumber(ts - second.start)
    end
    return second.number, ns
end

-- ns since the epoch as int64_t; a number would lose the last digits.
function M.ts()
    return cur.rec.ts
end

-- ns since the epoch of the first event as int64_t; 0 before it.
function M.first_ts()
    return cur.first_ts
end

-- Whether an event was seen yet; before that only `num` (0) and `thread` may be read.
function M.started()
    return cur.rec ~= nil
end

-- the optional fields get their slots above and are empty until the first event
M.fdnum, M.fd, M.container, M.res, M.valid, M.old_name = nil, nil, nil, nil, nil, nil

return M
