-- What a trace holds: events by name, by program and by container, and when the first and the last were.
local ev = require("ev")
local sinks = require("sinks")

local M = { events = {}, programs = {}, containers = {}, processes = 0, threads = 0, lost = 0 }

local by_event, by_program, by_container = M.events, M.programs, M.containers
local seen_threads, seen_processes = {}, {}
local span = { first = false, last = false }

local function count(counts, key)
    counts[key] = (counts[key] or 0) + 1
end

local function container_name()
    local container = ev.container
    if not container then return "host" end
    local name = container.name
    return name and name ~= "" and name or container.id
end

local function note_thread()
    local tid, pid = ev.tid, ev.pid
    if not seen_threads[tid] then seen_threads[tid], M.threads = true, M.threads + 1 end
    if pid and not seen_processes[pid] then seen_processes[pid], M.processes = true, M.processes + 1 end
end

local function on_event()
    count(by_event, ev.name)
    count(by_program, ev.thread.comm or "<NA>")
    count(by_container, container_name())
    note_thread()
    local ts = ev.ts()
    if not span.first or ts < span.first then span.first = ts end
    if not span.last or ts > span.last then span.last = ts end
end

function M.start()
    sinks.add({ on_event = on_event })
end

local function digits(ts)
    return ts and tostring(ts):match("^%-?%d+") or "0"
end

-- Times of the first and the last event in ns since the epoch, as texts of digits.
function M.times()
    return digits(span.first), digits(span.last)
end

return M
