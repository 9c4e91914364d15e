-- What ties the exits of a thread to its enters: the type, time and fd of its last enter event. Kept in C structs that
-- are found by tid without a table, so that an event that means nothing else costs a few stores.
local bit = require("bit")
local ffi = require("ffi")
local fixed = require("fixed")

local M = {}

ffi.cdef [[
typedef struct {
    int64_t tid;         /* -1: free */
    int64_t entered;     /* time of the last enter event, ns since the epoch; -1: there was none */
    int64_t left;        /* time of its exit, or of any if there was no enter; `entered` before it came */
    int64_t last_fd;
    int32_t last_type;   /* of the enter event an exit may belong to, -1 none */
    int32_t stored;      /* type of the enter event whose parameters the thread keeps, -1 none */
    /* memory counters of the thread that its table does not have yet: `news` says which */
    uint64_t pf_major, pf_minor;
    uint32_t vm_size, vm_rss, vm_swap;
    int32_t news;        /* 1: page faults, 2: sizes */
    /* the main thread and its slot; not to be believed when `age` is not that of the table of threads */
    int64_t main_tid;
    int32_t main, age;
} sdpy_pairing;
typedef struct { int32_t age; } sdpy_thread_table;
]]

local SLOTS = 8192
local band, tonumber = bit.band, tonumber
local pairing_p = ffi.typeof("sdpy_pairing *")
local slots = fixed("sdpy_pairing", SLOTS)
M.slots, M.MASK = slots, SLOTS - 1
-- slot -> its thread, false while it is free. LuaJIT does not compile a look-up by tid in a table with an array part.
local by_slot = {}
M.by_slot = by_slot

-- slot -> how many threads of the table it would lead to, had it not been taken when they came
local homeless = fixed("int32_t", SLOTS)
M.homeless = homeless

-- changes when threads may have outlived their main thread
local table_ = ffi.new("sdpy_thread_table", 1)
M.table = table_

local have_moved = false

local function reset(pairing, tid)
    pairing.news, pairing.age = 0, 0
    pairing.tid, pairing.entered, pairing.left, pairing.last_fd = tid, -1, -1, 0
    pairing.last_type, pairing.stored = -1, -1
end

-- Give a thread a pairing of its own, which no slot leads to.
function M.attach(thread)
    thread.own_pairing = ffi.new("sdpy_pairing")
    thread.pairing = ffi.cast(pairing_p, thread.own_pairing)
    reset(thread.pairing, thread.tid)
end

-- The thread is in the table now: let its slot lead to it, if that is free.
function M.enter(thread)
    local tid = thread.tid
    if tid < 0 then return end
    local i = band(tid, M.MASK)
    local slot = slots + i
    if slot.tid ~= -1 then
        homeless[i] = homeless[i] + 1
        return
    end
    by_slot[i] = thread
    ffi.copy(slot, thread.pairing, ffi.sizeof("sdpy_pairing"))
    thread.pairing = slot
end

-- The thread leaves the table, and may be looked at for a while.
function M.leave(thread)
    M.refresh(thread)
    if thread.main == thread and (thread.nchilds > 0 or have_moved) then table_.age = table_.age + 1 end
    if thread.tid < 0 then return end
    local pairing, own, i = thread.pairing, thread.own_pairing, band(thread.tid, M.MASK)
    if pairing == ffi.cast(pairing_p, own) then
        homeless[i] = homeless[i] - 1
        return
    end
    ffi.copy(own, pairing, ffi.sizeof("sdpy_pairing"))
    by_slot[i] = false
    pairing.tid = -1
    thread.pairing = ffi.cast(pairing_p, own)
end

-- The thread has another main thread than before, which does not know it.
function M.move(thread)
    thread.pairing.age, have_moved = 0, true
end

-- Remember where the counters of a thread and its process are to be kept.
function M.know_main(thread)
    local main = thread.main.pairing
    if main == ffi.cast(pairing_p, thread.main.own_pairing) then return end
    thread.pairing.main, thread.pairing.main_tid = band(thread.main.tid, M.MASK), thread.main.tid
    thread.pairing.age = table_.age
end

-- Bring the thread's table up to date.
function M.refresh(thread)
    local pairing = thread.pairing
    local news = pairing.news
    if news == 0 then return end
    pairing.news = 0
    if band(news, 1) ~= 0 then
        thread.pfmajor, thread.pfminor = tonumber(pairing.pf_major), tonumber(pairing.pf_minor)
    end
    if band(news, 2) ~= 0 then
        thread.vmsize, thread.vmrss, thread.vmswap = pairing.vm_size, pairing.vm_rss, pairing.vm_swap
    end
end

-- All threads are forgotten.
function M.clear()
    ffi.fill(slots, SLOTS * ffi.sizeof("sdpy_pairing"), 0xFF)
    ffi.fill(homeless, SLOTS * ffi.sizeof("int32_t"))
    for i = 0, SLOTS - 1 do by_slot[i] = false end
end

-- ns between the last enter and its exit, 0 before that.
function M.latency(pairing)
    if pairing.entered == -1 then return 0 end
    return tonumber(pairing.left - pairing.entered)
end

M.clear()

return M
