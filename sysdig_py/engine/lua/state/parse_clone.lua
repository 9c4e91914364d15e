-- Births: clone, fork, vfork, clone3. Parent and child each report one exit; either may come first, either may be lost.
local bit = require("bit")
local ev = require("ev")
local decode = require("decode")
local event_info = require("event_info")
local program = require("state.program")
local threads = require("state.threads")

local handlers = {}

local band = bit.band
local num, str, words, bytes = decode.num, decode.str, decode.words, decode.bytes
local CLONE_FILES, CLONE_PARENT, CLONE_THREAD, CHILD_IN_PIDNS = 1, 256, 8192, 536870912
-- an older entry with the same tid is another thread
local SAME_BIRTH_NS = 2e9

local function value(at, name)
    local i = at[name]
    return i and num(i)
end

-- Take from the event what it says about parent and child alike.
local function take_event(child, at)
    child.exe = str(at.exe) or child.exe
    child.args = words(at.args) or child.args
    child.comm = at.comm and str(at.comm) or child.exe
    child.cgroups = at.cgroups and bytes(at.cgroups) or child.cgroups
    child.uid, child.gid = value(at, "uid") or child.uid, value(at, "gid") or child.gid
    child.pfmajor, child.pfminor = value(at, "pgft_maj") or 0, value(at, "pgft_min") or 0
    child.vmsize, child.vmrss = value(at, "vm_size") or 0, value(at, "vm_rss") or 0
    child.vmswap = value(at, "vm_swap") or 0
    child.flags = value(at, "flags") or 0
end

-- The fd table of a new process: shared by CLONE_FILES, else its own with the same open files.
local function inherit_files(child, parent, shares)
    local main = parent.main
    if shares then
        child.fds, child.fds_shared, main.fds_shared = main.fds, true, true
        return
    end
    local fds = child.fds
    for n, fd in pairs(main.fds) do fds[n] = fd end
end

local function inherit_process(child, parent, flags)
    child.cwd, child.env, child.fdlimit = parent.main.cwd, parent.main.env, parent.main.fdlimit
    inherit_files(child, parent, band(flags, CLONE_FILES) ~= 0)
end

local function parent_id(parent, flags)
    if band(flags, CLONE_THREAD + CLONE_PARENT) ~= 0 then return parent.ptid end
    return parent.pid
end

-- Create the child of `parent` (nil: unknown) as the event describes it.
local function create(tid, pid, parent, at)
    local flags = value(at, "flags") or 0
    local child = threads.create(tid, pid)
    if parent and parent.known then
        threads.inherit(child, parent)
        child.ptid = parent_id(parent, flags)
        if tid == pid then inherit_process(child, parent, flags) end
    end
    if parent then program.inherit(child, parent) end
    take_event(child, at)
    program.take(child, at, nil)
    if tid == pid then child.main.fdlimit = value(at, "fdlimit") or child.main.fdlimit end
    child.vtid, child.vpid = tid, pid
    child.born, child.start_ts, child.known = ev.rel, tonumber(ev.ts()), true
    child.cgroup = ev.cgroup
    return child
end

local function is_same_birth(thread)
    return thread.known and thread.born and ev.rel - thread.born < SAME_BIRTH_NS
end

local function in_pid_namespace(at, flags)
    local vtid = value(at, "vtid")
    return band(flags, CHILD_IN_PIDNS) ~= 0 or (vtid ~= nil and vtid ~= ev.tid)
end

-- The parent's exit: its result is the child's tid as the parent's pid namespace counts.
local function seen_by_parent(at)
    local flags, tid = value(at, "flags") or 0, ev.res
    if in_pid_namespace(at, flags) then return end
    local old = threads.get(tid)
    if old then
        if is_same_birth(old) then return end
        threads.remove(old)
    end
    local pid = band(flags, CLONE_THREAD) ~= 0 and ev.thread.pid or tid
    create(tid, pid, ev.thread, at)
end

local function ids_in_namespace(child, at)
    local vtid, vpid = value(at, "vtid"), value(at, "vpid")
    if vtid and vpid then child.vtid, child.vpid = vtid, vpid end
end

local function creator(at, is_thread)
    local id = value(at, is_thread and "pid" or "ptid")
    return id and threads.get(id)
end

-- The child's exit: the thread is the event's own.
local function seen_by_child(at)
    local child = ev.thread
    if not is_same_birth(child) then
        local is_thread = band(value(at, "flags") or 0, CLONE_THREAD) ~= 0
        local parent = creator(at, is_thread)
        local pid = value(at, "pid") or child.pid
        threads.remove(child)
        child = create(ev.tid, is_thread and pid or ev.tid, parent, at)
        if not is_thread and not (parent and parent.known) then child.ptid = value(at, "ptid") or -1 end
        ev.thread = child
    end
    ids_in_namespace(child, at)
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
