-- What the capture left out to cap its cost, as OVERHEAD records tell: steps, and counts of the calls left out.
local ffi = require("ffi")
local event_info = require("event_info")
local sinks = require("sinks")

-- step: what is left out now; highest: the furthest it went; counted: events left out and only counted, of the source
-- in hand; counted_in_all: of all sources of the run
local M = { step = 0, highest = 0, one_in = 1, counted = 0, counted_in_all = 0 }

local LAST = 4
local OF_LIMIT = 1e4 -- millionths -> percent
local MEANING = {
    [0] = "everything is recorded",
    "data of reads and writes is left out",
    "arguments of reads, waits and the like are left out, too",
    "of reads, writes, waits and the like one in %d is recorded, the others are counted",
    "reads, writes, waits and the like are only counted",
}

ffi.cdef [[
typedef struct __attribute__((packed)) { uint16_t type, call; uint64_t number; } sdpy_left_out;
]]
local entry_p, ENTRY = ffi.typeof("const sdpy_left_out *"), ffi.sizeof("sdpy_left_out")
local MAX_SECONDS = 2 ^ 32 -- a damaged trace may hold any time
local is_exceeded = false

-- Told of every change by one line; whoever runs the engine sets it.
function M.on_notice() end

-- Forget what one source told.
function M.forget()
    M.step, M.highest, M.one_in, M.counted = 0, 0, 1, 0
    is_exceeded = false
end

local function notice(share, limit, ts, text)
    local when = os.date("%H:%M:%S", math.max(0, math.min(tonumber(ts) / 1e9, MAX_SECONDS)))
    M.on_notice(("%s overhead %.1f%%, limit %g%%: %s"):format(when, share / OF_LIMIT, limit / OF_LIMIT, text))
end

local function tell_step(share, limit, ts, is_back)
    local text = (MEANING[M.step] or "more is left out than this sysdig-py knows of"):format(M.one_in)
    notice(share, limit, ts, ("%sstep %d of %d, %s"):format(is_back and "back to " or "", M.step, LAST, text))
end

-- Take in a record's step and measurements: shares in millionths of the machine's processor time, `ts` in ns.
function M.take(step, one_in, share, limit, ts)
    local is_change = step ~= M.step or one_in ~= M.one_in
    local is_back = step < M.step or (step == M.step and one_in < M.one_in)
    M.step, M.one_in, M.highest = step, one_in, math.max(M.highest, step)
    if is_change then
        is_exceeded = false
        tell_step(share, limit, ts, is_back)
    elseif step == LAST and share > limit and not is_exceeded then
        is_exceeded = true
        notice(share, limit, ts, "there is nothing more to leave out")
    end
end

-- Take in the counts of calls left out.
function M.count(list, size)
    if not list then return end
    local entries = ffi.cast(entry_p, list)
    for i = 0, math.floor(size / ENTRY) - 1 do
        local code, number = entries[i].type, tonumber(entries[i].number)
        if event_info.events[code] then
            M.counted, M.counted_in_all = M.counted + number, M.counted_in_all + number
            sinks.count(code, number, code == event_info.GENERIC_X and entries[i].call or nil)
        end
    end
end

-- The line below counts that hold what was only counted.
function M.mark_of_counts()
    local asked = sinks.capture_filter() and "; of the filter they were asked only what the kernel knows" or ""
    return ("! %d of these calls were only counted, to cap the overhead%s"):format(M.counted_in_all, asked)
end

return M
