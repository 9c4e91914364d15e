-- Before an event of a stream with enter and exit events is looked at: whose it is, how long the call took, and which
-- fd it is about. An exit belongs to the enter event before it on the same thread, or is incomplete (`ev.valid` false).
local bit = require("bit")
local ev = require("ev")
local decode = require("decode")
local event_info = require("event_info")
local record = require("record")
local schema = require("schema_data")
local pairings = require("state.paired.pairing")
local threads = require("state.threads")

local M = {}

local tonumber, band = tonumber, bit.band
local slots, by_slot, SLOT_MASK = pairings.slots, pairings.by_slot, pairings.MASK
local cur = record.cur
local by_tid, below_zero = threads.by_tid, threads.below_zero
local int, uint = decode.int, decode.uint
local syscall_names = schema.syscall_names
local CONTAINER, CONTAINER_JSON, CONTAINER_JSON_2, SWITCH, PROCINFO, COPY_FILE_RANGE = 228, 272, 324, 152, 234, 283
local TOUCHES_FD = 7
local NOBODY_TYPE = -1

-- who does not know its thread: fields without a value
local nobody = { absent = true, known = false, fds = {}, tid = -1 }
nobody.main = nobody
pairings.attach(nobody)
nobody.pairing.last_fd = -1
nobody.tid = nil
M.nobody = nobody

-- `kept`: takes part in the pairing of enters and exits; `creates`: an unknown thread is entered into the table
local function complete(code, info)
    local plain = not info.no_thread and code ~= CONTAINER_JSON and code ~= CONTAINER_JSON_2
    info.creates = plain and code ~= SWITCH
    info.kept = info.creates
    info.uses_fd = bit.band(info.flags, event_info.USES_FD) ~= 0
    info.touches_fd = bit.band(info.flags, TOUCHES_FD) ~= 0
    info.shows_latency = plain
    info.is_container = code == CONTAINER or code == CONTAINER_JSON or code == CONTAINER_JSON_2
    info.second_fd = code == COPY_FILE_RANGE
end

for code, info in pairs(event_info.events) do complete(code, info) end
-- births may come before the thread is known
for _, id in ipairs(event_info.BIRTHS) do
    local _, code = event_info.layout("SYSCALL_" .. id .. "_X")
    event_info.events[code].creates = false
end
local function event_name(type, info)
    if type > 1 then return info.name end
    local id = uint(0)
    return id and syscall_names[id] or info.name
end

function M.header(rec, type, info)
    -- what the reader takes for itself does not start the clock
    if cur.first_ts == 0 and not info.is_container then cur.first_ts = rec.ts end
    ev.type, ev.info, ev.is_exit = type, info, info.is_exit
    ev.tid, ev.cpu, ev.flags = tonumber(rec.tid), rec.cpu, rec.flags
    ev.rel = cur.first_ts == 0 and 0 or tonumber(rec.ts - cur.first_ts)
    ev.name = event_name(type, info)
    ev.res = info.res_index >= 0 and int(0) or nil
end

local function fd_of(thread, num)
    if num and num >= 0 then return thread.fds[num] end
    return nil
end

local function entering(thread, info)
    local pairing, num = thread.pairing, -1
    if info.uses_fd then num = int(0) or -1 end
    pairing.last_type, pairing.last_fd = ev.type, num
    pairing.entered, pairing.left = cur.rec.ts, cur.rec.ts
    ev.valid, ev.fd = true, fd_of(thread, num)
end

local function leaving(thread, info)
    local pairing = thread.pairing
    pairing.left = cur.rec.ts
    if pairing.last_type + 1 ~= ev.type then
        pairing.stored = NOBODY_TYPE
        ev.valid, ev.fd = false, nil
        return
    end
    ev.valid = true
    if not info.uses_fd then
        ev.fd = nil
        return
    end
    if info.second_fd then pairing.last_fd = int(1) or -1 end
    ev.fd = fd_of(thread, tonumber(pairing.last_fd))
end

-- What the fd fields see: the fd of the event, else the last one the thread worked with.
local function settle(thread, info)
    ev.old_name = ""
    if not info.touches_fd then
        ev.fdnum, ev.fd = nil, nil
        return
    end
    local num = tonumber(thread.pairing.last_fd)
    ev.fdnum = num
    if not ev.fd and num >= 0 then ev.fd = thread.fds[num] end
    if ev.fd then ev.old_name = ev.fd.name end
end

local function find(rec, info)
    local slot = band(rec.tid_low, SLOT_MASK)
    if slots[slot].tid == rec.tid and rec.tid_low >= 0 then return by_slot[slot] end
    local tid = ev.tid
    local thread
    if tid < 0 then thread = below_zero[tid] else thread = by_tid[tid] end
    if thread then return thread end
    if info.creates then return threads.placeholder(tid, tid) end
    return nobody
end

function M.context(rec, info)
    local thread = find(rec, info)
    if thread.pairing.news ~= 0 then pairings.refresh(thread) end
    if thread.main.pairing.news ~= 0 then pairings.refresh(thread.main) end
    ev.thread, ev.pid, ev.cgroup, ev.container = thread, thread.pid, 0, thread.container or nil
    ev.fd, ev.valid, ev.latency = nil, false, 0
    if info.kept and thread ~= nobody then
        if info.is_exit then leaving(thread, info) else entering(thread, info) end
    end
    if info.shows_latency and thread ~= nobody then ev.latency = pairings.latency(thread.pairing) end
    if info.code == PROCINFO and thread ~= nobody then ev.latency = nil end
    settle(thread, info)
end

-- As much of the header as those need who ask for next to nothing.
function M.plain(rec, type, info)
    ev.type, ev.info, ev.is_exit, ev.cpu = type, info, info.is_exit, rec.cpu
    ev.name = event_name(type, info)
end

-- The little that is to be known of an event whose thread nobody looks at.
function M.light(rec, info)
    ev.latency = 0
    if cur.is_timeless ~= 0 then return end
    if info.shows_latency then ev.latency = pairings.latency(slots + band(rec.tid_low, SLOT_MASK)) end
    if info.code == PROCINFO then ev.latency = nil end
end

-- The same of one whose thread and fd are at hand: the call's enter event was the last of the thread.
function M.near(rec, info, thread, fd, number)
    M.light(rec, info)
    ev.thread, ev.pid, ev.cgroup, ev.container = thread, thread.pid, 0, thread.container or nil
    ev.valid = true
    if info.touches_fd then
        ev.fdnum, ev.fd = number, fd
    else
        ev.fdnum, ev.fd = nil, nil
    end
end

-- The event was rejected before it was taken in: the exit of this call will find no enter.
function M.forget()
    if ev.info.kept then ev.thread.pairing.last_type = NOBODY_TYPE end
end

-- Whether the enter event of the exit in hand was kept, and is the right one.
function M.has_enter()
    return ev.valid and ev.thread.pairing.stored == ev.type - 1
end

return M
