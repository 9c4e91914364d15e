-- Periodic calls on event time, so that a replay makes the same calls as the live run did.
--
-- Plain mode: one call when an event lies in another interval of the wall clock than the event before.
-- Precise mode: one call for every elapsed interval, with the interval's own time.
-- As long as events lie in the stretch that `quiet` tells there is nothing to be done, and nobody needs to ask.

local ffi = require("ffi")
local dialect = require("dialect")
local timestamp = require("chisel.timestamp")

local M = {}

local int64, uint64 = ffi.typeof("int64_t"), ffi.typeof("uint64_t")
local NEVER = int64(-1)
local NOWHERE, FOREVER = uint64(0), uint64(-1)

-- The interval begins anew with the next event, as if none had come.
function M.reset(timer)
    timer.begun, timer.called_at = NEVER, NEVER
end

-- Make a timer of `interval` ns that has not seen an event yet.
function M.new(interval, precise)
    if type(interval) ~= "number" or not (interval >= 1 and interval < math.huge) then
        return error("an interval is a number of at least 1 ns, not " .. tostring(interval), 3)
    end
    -- longer than time lasts is as good as never
    local timer = { interval = int64(math.min(math.floor(interval), 2 ^ 62)), precise = precise }
    M.reset(timer)
    return timer
end

-- The stretch of time in which nothing is to be done: its begin (ns since the epoch) and length. Where events are in
-- order per processor only, one from before the interval is a straggler and no return to it; sysdig knows no such
-- events. Without a timer: all time.
function M.quiet(timer)
    if not timer then
        return int64(0), FOREVER
    elseif timer.begun == NEVER then
        return int64(0), NOWHERE
    elseif timer.precise or not dialect.paired then
        return int64(0), uint64(timer.begun + timer.interval)
    end
    return timer.begun, uint64(timer.interval)
end

local function call_plain(timer, ev, begin, callback)
    local ts, delta = ev.ts(), 0
    if timer.called_at ~= NEVER then
        delta = tonumber(ts - timer.called_at)
        if delta == 0 then
            return
        end
    end
    timer.called_at, timer.begun = ts, begin
    local sec, ns = ev.time()
    callback(sec, ns, delta)
end

local function call_precise(timer, ev, callback)
    local sec, ns = ev.time()
    local now = ev.ts()
    while timer.begun + timer.interval <= now do
        local at = timer.begun
        timer.begun = at + timer.interval
        local s, n = timestamp.shift(sec, ns, tonumber(at - now))
        callback(s, n, tonumber(timer.interval))
    end
end

-- Look at the current event's time; call `callback(s, ns, delta)` when an interval ended.
function M.tick(timer, ev, callback)
    local ts = ev.ts()
    local begin = timer.precise and ts or ts - ts % timer.interval
    -- what a trace starts with may come before the event from which `rel` counts
    if timer.begun == NEVER or ev.rel <= 0 then
        timer.begun = begin
        return
    end
    if timer.precise then
        return call_precise(timer, ev, callback)
    end
    if begin > timer.begun or (begin < timer.begun and dialect.paired) then
        call_plain(timer, ev, begin, callback)
    end
end

return M
