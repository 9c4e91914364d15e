-- Periodic calls on event time, so that a replay makes the same calls as the live run did.
--
-- All comparisons use ns since the first event, which a Lua number holds exactly for 104 days.
-- Plain mode: one call per crossed boundary of the wall clock, however many were crossed.
-- Precise mode: one call for every elapsed interval, with the interval's own time.

local timestamp = require("chisel.timestamp")

local M = {}

local function advance(timer, rel)
    local crossed = math.floor((rel - timer.due) / timer.interval) + 1
    timer.due = timer.due + crossed * timer.interval
end

local function call_plain(timer, ev, callback)
    local rel = ev.rel
    local delta = timer.called_at and rel - timer.called_at or 0
    if timer.called_at and delta == 0 then
        return
    end
    timer.called_at = rel
    advance(timer, rel)
    local sec, ns = ev.time()
    callback(sec, ns, delta)
end

local function call_precise(timer, ev, callback)
    local sec, ns = ev.time()
    local now = ev.rel
    while timer.due <= now do
        local at = timer.due - timer.interval
        timer.due = timer.due + timer.interval
        local s, n = timestamp.shift(sec, ns, at - now)
        callback(s, n, timer.interval)
    end
end

local function start(timer, ev)
    local phase = 0
    if not timer.precise then
        local sec, ns = ev.time()
        phase = timestamp.phase(sec, ns, timer.interval)
    end
    timer.due = ev.rel - phase + timer.interval
end

-- Make a timer of `interval` ns that has not seen an event yet.
function M.new(interval, precise)
    if type(interval) ~= "number" or not (interval >= 1 and interval < math.huge) then
        return error("an interval is a number of at least 1 ns, not " .. tostring(interval), 3)
    end
    return { interval = math.floor(interval), precise = precise, due = nil, called_at = nil }
end

-- Look at the current event's time; call `callback(s, ns, delta)` when an interval ended.
function M.tick(timer, ev, callback)
    local due = timer.due
    -- what a trace starts with may come before the event from which `rel` counts
    if not due or ev.rel <= 0 then
        return start(timer, ev)
    end
    if ev.rel < due then
        return
    end
    if timer.precise then
        return call_precise(timer, ev, callback)
    end
    return call_plain(timer, ev, callback)
end

return M
