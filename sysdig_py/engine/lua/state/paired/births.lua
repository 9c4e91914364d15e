-- Births in streams with enter events: parent and child each report one exit; either may come first, or be lost.
local bit = require("bit")
local ev = require("ev")
local decode = require("decode")
local event_info = require("event_info")
local cgroups = require("state.cgroups")
local table_ = require("state.paired.fdtable")
local program = require("state.program")
local threads = require("state.threads")

local handlers = {}

local band = bit.band
local num, str, words, bytes = decode.num, decode.str, decode.words, decode.bytes
local CLONE_THREAD, CHILD_IN_PIDNS = 8192, 536870912
-- an older entry with the same tid is another thread
local SAME_BIRTH_NS = 2e9

local function value(at, name)
    local i = at[name]
    return i and num(i)
end

local function is_whole(thread)
    return thread.comm ~= "<NA>"
end

-- A parent about which nothing is known begins anew as what the event says of its child, for all one can tell.
local function renewed_parent(old, at)
    threads.remove(old)
    local parent = threads.placeholder(old.tid, old.tid)
    if ev.thread == old then ev.thread, ev.latency = parent, 0 end
    parent.exe = str(at.exe) or parent.exe
    parent.comm = at.comm and str(at.comm) or parent.exe
    parent.args = words(at.args) or ""
    return parent
end

local function inherit(child, parent, is_thread)
    child.comm, child.exe, child.exepath, child.args = parent.comm, parent.exe, parent.exepath, parent.args
    child.root, child.sid, child.vpgid = parent.root, parent.sid, parent.vpgid
    child.tty, child.loginuid = parent.tty, parent.loginuid
    if not is_thread then child.env = parent.main.env end
end

local function take_event(child, at)
    child.exe = str(at.exe) or child.exe
    child.args = words(at.args) or ""
    child.comm = at.comm and str(at.comm) or child.exe
    child.uid, child.gid = value(at, "uid") or child.uid, value(at, "gid") or child.gid
    child.pfmajor, child.pfminor = value(at, "pgft_maj") or 0, value(at, "pgft_min") or 0
    child.vmsize, child.vmrss = value(at, "vm_size") or 0, value(at, "vm_rss") or 0
    child.vmswap = value(at, "vm_swap") or 0
end

local function take_container(child, at)
    if not at.cgroups then return end
    child.cgroups = bytes(at.cgroups) or ""
    cgroups.resolve(child)
end

local function own_files(child, parent)
    child.fds = table_.cloned(parent.fds)
    child.cwd = parent.main.cwd
end

-- Enter the child; `parent_tid` is who made it.
local function create(tid, parent_tid, parent, at, flags, is_inverted)
    local is_thread = band(flags, CLONE_THREAD) ~= 0
    local parent_is_whole = is_whole(parent)
    if not parent_is_whole then parent = renewed_parent(parent, at) end
    local child = threads.create(tid, is_thread and (value(at, "pid") or tid) or tid)
    child.ptid, child.flags, child.inverted = parent_tid, flags, is_inverted
    if parent_is_whole then inherit(child, parent, is_thread) end
    if not is_thread then own_files(child, parent) else threads.settle_files(child) end
    program.inherit(child, parent)
    take_event(child, at)
    program.take(child, at, nil)
    if child.main == child then child.fdlimit = value(at, "fdlimit") or -1 end
    child.vtid, child.vpid = tid, child.pid
    child.born, child.start_ts, child.known = ev.rel, ev.ts(), true
    take_container(child, at)
    return child
end

local function in_pid_namespace(at, flags)
    local vtid = value(at, "vtid")
    return band(flags, CHILD_IN_PIDNS) ~= 0 or (vtid ~= nil and vtid ~= ev.tid)
end

local function parent_of_event()
    local thread = ev.thread
    if thread.absent then return threads.placeholder(ev.tid, ev.tid) end
    return thread
end

-- The parent's exit: its result is the child's tid.
local function seen_by_parent(at)
    local flags, tid = value(at, "flags") or 0, ev.res
    if in_pid_namespace(at, flags) then return end
    local old = threads.get(tid)
    if old then
        if old.inverted then return end
        threads.remove(old)
    end
    create(tid, ev.tid, parent_of_event(), at, flags, false)
end

local function ids_in_namespace(child, at)
    local vtid, vpid = value(at, "vtid"), value(at, "vpid")
    if vtid and vpid then child.vtid, child.vpid = vtid, vpid end
end

local function is_stale(thread)
    return thread.born and ev.rel - thread.born > SAME_BIRTH_NS
end

-- The child's exit: the thread is the event's own, and may have to be made now.
local function seen_by_child(at)
    local flags, child = value(at, "flags") or 0, ev.thread
    local in_namespace = in_pid_namespace(at, flags)
    if not child.absent and is_stale(child) then
        threads.remove(child)
    elseif not child.absent then
        if in_namespace then ids_in_namespace(child, at) end
        return
    end
    local parent_tid = value(at, band(flags, CLONE_THREAD) ~= 0 and "pid" or "ptid") or -1
    local parent = threads.get(parent_tid) or threads.placeholder(parent_tid, parent_tid)
    child = create(ev.tid, parent_tid, parent, at, flags, true)
    if in_namespace then ids_in_namespace(child, at) end
    ev.thread, ev.pid, ev.container = child, child.pid, child.container or nil
end

for _, id in ipairs(event_info.BIRTHS) do
    local at, code = event_info.layout("SYSCALL_" .. id .. "_X")
    handlers[code] = function()
        local res = ev.res
        if not res or res < 0 then return end
        if res == 0 then seen_by_child(at) else seen_by_parent(at) end
    end
end

return handlers
