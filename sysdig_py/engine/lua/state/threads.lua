-- The thread table. A thread belongs to the process of its `pid`; the main thread has tid == pid and holds what a
-- process has once: cwd, env, fdlimit. Other threads read these through `main` (see `shared`).
local dialect = require("dialect")
local pairings = dialect.paired and require("state.paired.pairing") or nil

-- `below_zero` holds those with a negative number once more: where a table has an array part, LuaJIT does not compile a
-- look-up of such keys.
local M = { by_tid = {}, below_zero = {}, count = 0, pending = 0 }

local by_tid, below_zero = M.by_tid, M.below_zero
local NO_ID = 0xFFFFFFFF

local shared = {
    __index = function(thread, key)
        local main = rawget(thread, "main")
        return main ~= thread and main and main[key] or nil
    end,
}

-- What streams with enter events keep per thread: its last enter event, and what the exit needs of that.
local function with_pairing(thread)
    thread.vtid, thread.vpid, thread.exepath = -1, -1, ""
    pairings.attach(thread)
    -- false and not nil, which a thread would look up in its process
    thread.enter_1, thread.enter_2, thread.enter_3, thread.container = false, false, false, false
    thread.born, thread.inverted = false, false
    return thread
end

-- A thread about which nothing is known but its ids. All have the same names in the same order; see `fds.new`.
local function blank(tid, pid)
    local thread = {
        tid = tid, pid = pid, ptid = -1, sid = -1, vpgid = -1, pgid = -1, vtid = tid, vpid = pid,
        comm = "<NA>", exe = "<NA>", exepath = "<NA>", args = "", root = "/", cgroups = "",
        uid = NO_ID, gid = NO_ID, loginuid = NO_ID, flags = 0, tty = 0, start_ts = 0,
        vmsize = 0, vmrss = 0, vmswap = 0, pfmajor = 0, pfminor = 0, nchilds = 0,
        cgroup = 0, known = false, main = false, fds = false, cwd = nil, env = nil, fdlimit = nil,
        -- of the program (state/program.lua)
        exe_writable = nil, exe_upper_layer = nil, exe_from_memfd = nil, exe_lower_layer = nil, exe_ino = nil,
        exe_ctime = nil, exe_mtime = nil, cap_inheritable = nil, cap_permitted = nil, cap_effective = nil,
        pidns_start = nil,
        -- with enter events
        own_pairing = nil, pairing = nil, enter_1 = nil, enter_2 = nil, enter_3 = nil, container = nil, born = nil,
        inverted = nil,
        -- what a trace being written was told (state/telling.lua)
        told = false, named = false, told_fds = false, told_in = false, held = false, kept_enter = false,
    }
    return dialect.paired and with_pairing(thread) or thread
end

function M.get(tid)
    return by_tid[tid]
end

-- Enter a new main thread with its own fd table, or a thread of an existing process.
local function insert(thread, main, fds)
    local old = by_tid[thread.tid]
    if not old then M.count = M.count + 1 end
    if pairings and old ~= thread then
        if old then pairings.leave(old) end
        pairings.enter(thread)
    end
    by_tid[thread.tid] = thread
    if thread.tid < 0 then below_zero[thread.tid] = thread end
    if main then
        thread.main, thread.fds = main, main.fds
        setmetatable(thread, shared)
    else
        thread.main, thread.fds = thread, fds or {}
        thread.cwd, thread.env, thread.fdlimit = dialect.paired and "" or "./", "", -1
    end
    return thread
end

local function main_of(pid)
    local main = by_tid[pid]
    if main and main.pid == pid then return main end
    return insert(blank(pid, pid))
end

-- Copy from `source` what a new thread or process has in common with it.
function M.inherit(thread, source)
    thread.ptid, thread.sid, thread.vpgid, thread.pgid = source.ptid, source.sid, source.vpgid, source.pgid
    thread.comm, thread.exe, thread.exepath, thread.args = source.comm, source.exe, source.exepath, source.args
    thread.root, thread.cgroups, thread.uid, thread.gid = source.root, source.cgroups, source.uid, source.gid
    thread.loginuid, thread.tty, thread.vpid = source.loginuid, source.tty, source.vpid
end

-- A new thread, replacing an older one with this tid. `fds`: table of a new process, nil for an empty one.
function M.create(tid, pid, fds)
    local main = pid ~= tid and main_of(pid) or nil
    if main then main.nchilds = main.nchilds + 1 end
    return insert(blank(tid, pid), main, fds)
end

-- The thread of an event whose creation was not seen: its process is known from the record, the rest perhaps later.
function M.placeholder(tid, pid)
    if pid == 0 then pid = tid end
    local thread = M.create(tid, pid)
    local main = thread.main
    if main ~= thread and main.known then
        M.inherit(thread, main)
        thread.known = true
    end
    return thread
end

-- The thread turns out to be of another process than the one it was entered with.
function M.move(thread, pid)
    if thread.pid == pid then return end
    thread.pid = pid
    if pairings then pairings.move(thread) end
    if pid == thread.tid then
        setmetatable(thread, nil)
        insert(thread)
    else
        insert(thread, main_of(pid))
    end
end

-- Bring what is kept beside the table of a thread into it.
function M.refresh(thread)
    if pairings then pairings.refresh(thread) end
end

local CLONE_FILES = 1

-- With enter events, what a thread was made with decides whose fds it sees: those of its process, or its own.
function M.settle_files(thread)
    local main = thread.main
    if main == thread then return end
    local shares = bit.band(thread.flags, CLONE_FILES) ~= 0
    if shares then
        thread.fds = main.fds
    elseif thread.fds == main.fds then
        thread.fds = {}
    end
end

-- Forget all threads.
function M.clear()
    for tid in pairs(by_tid) do by_tid[tid], below_zero[tid] = nil, nil end
    if pairings then pairings.clear() end
    M.count, M.pending = 0, 0
end

-- Remove a thread; one that has replaced it under the same tid stays.
function M.remove(thread)
    if by_tid[thread.tid] ~= thread then return end
    by_tid[thread.tid] = nil
    if thread.tid < 0 then below_zero[thread.tid] = nil end
    if pairings then pairings.leave(thread) end
    M.count = M.count - 1
    local main = thread.main
    if main ~= thread and main.nchilds > 0 then
        main.nchilds = main.nchilds - 1
        if main.outlived and main.nchilds == 0 then M.remove(main) end
    end
end

local leaving = false

-- Remove a thread when the next event comes, so that the event of its end still sees it.
function M.leave(thread)
    thread.closed = true
    leaving, M.pending = thread, 1
end

-- Each event can make one leave.
function M.flush()
    -- with enter events a process stays as long as threads of it do
    if dialect.paired and leaving.main == leaving and leaving.nchilds > 0 then
        leaving.outlived = true
    else
        M.remove(leaving)
    end
    leaving = false
    M.pending = 0
end

-- The children of a process become those of the process of thread `tid`; a trace that is being written is told again.
function M.hand_over(pid, tid)
    local reaper = by_tid[tid]
    local new = reaper and reaper.pid or tid
    if new == pid then return end
    for _, thread in pairs(by_tid) do
        if thread.ptid == pid then
            thread.ptid = new
            if thread.told then thread.told = false end
        end
    end
end

-- Give a process a table of its own instead of one it shares.
function M.unshare_fds(main)
    local own = {}
    for num, fd in pairs(main.fds) do own[num] = fd end
    main.fds, main.fds_shared = own, nil
end

M.blank = blank

return M
