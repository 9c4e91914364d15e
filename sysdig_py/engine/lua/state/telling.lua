-- What a trace must be told so that the events it keeps are read as they were: the threads, fds, users and containers
-- they are about, each before the first event that needs it, and nothing of anybody else. Of ancestors and others that
-- are only mentioned it is told what they are called.
--
-- `told` on a table is the number of the file that was told it: FULL for all of a thread, NAME for its name.
local bit = require("bit")
local ffi = require("ffi")
local ev = require("ev")
local decode = require("decode")
local dialect = require("dialect")
local event_info = require("event_info")
local record = require("record")
local containers = require("state.containers")
local interfaces = require("state.interfaces")
local packing = require("state.packing")
local process_handlers = require("state.parse_process")
local threads = require("state.threads")
local users = require("state.users")

local M = {}

local cur = record.cur
local num = decode.num
local by_tid, by_uid, by_gid = threads.by_tid, users.by_uid, users.by_gid
local paired = dialect.paired
local CREATES_FD, WRITE_X = event_info.CREATES_FD, 9
local MAX_ANCESTORS = 64
local file, put, cgroups_told, all_users = 0, nil, {}, false
local is_enter

local births = {}
for _, id in ipairs(event_info.BIRTHS) do
    local _, code = event_info.layout("SYSCALL_" .. id .. "_X")
    births[code] = true
end

-- Begin a file: it was told nothing yet. `append` takes the bytes of a record. `tells_users`: all users at the start,
-- for a format that has no place for them later.
function M.begin(append, tells_users)
    file, put, cgroups_told, all_users = file + 1, append, {}, tells_users
    for _, interface in ipairs(interfaces.list) do put(packing.interface(interface)) end
end

local function tell_once(what, pack)
    if not what or what.told == file then return end
    what.told = file
    put(pack(what))
end

local function tell_user(uid)
    tell_once(by_uid[uid], packing.user)
end

local function tell_group(gid)
    tell_once(by_gid[gid], packing.group)
end

local function tell_container(container)
    tell_once(container, packing.container)
end

local function tell_cgroup(cgroup)
    if cgroup == 0 or cgroups_told[cgroup] then return end
    cgroups_told[cgroup] = true
    local container = containers.by_cgroup[cgroup]
    tell_container(container)
    local path = containers.path_of[cgroup]
    if path then put(packing.cgroup(cgroup, path, container and container.id or "")) end
end

local function tell_name(thread)
    if thread.told == file or thread.named == file or not thread.known then return end
    thread.named = file
    put(packing.name(thread))
end

-- The name of somebody who is mentioned, unless that is another container's.
local function mention(tid, from)
    local thread = tid and by_tid[tid]
    if not thread or thread.told == file or thread.named == file then return end
    local container = containers.of_thread(thread)
    if container and container ~= containers.of_thread(from) then return end
    tell_name(thread)
end

local function tell_ancestors(thread)
    local main = thread.main or thread
    for _ = 1, MAX_ANCESTORS do
        local parent = by_tid[main.ptid]
        if not parent or parent == main or parent.told == file or parent.named == file then return end
        main = parent.main or parent
        tell_name(main)
        if parent ~= main then tell_name(parent) end
    end
end

-- The working directory before the event in hand, of the process that changes it.
local function cwd_before(main)
    local changes = ev.thread.main == main and ev.name == "chdir" and ev.is_exit and ev.res == 0
    return changes and main.cwd_before or main.cwd
end

local function tell_thread(thread)
    if thread.told == file or not thread.known then return end
    local main = thread.main
    if main ~= thread then tell_thread(main) end
    tell_ancestors(thread)
    tell_user(thread.uid)
    tell_user(thread.loginuid)
    tell_group(thread.gid)
    tell_container(containers.of_thread(thread))
    tell_cgroup(thread.cgroup)
    thread.told = file
    if main == thread then main.told_fds, main.told_in = {}, file end
    put(packing.thread(thread, cwd_before(main)))
    for _, id in ipairs({ thread.sid, thread.vpgid, thread.pgid }) do mention(id, thread) end
end

-- The table of told fds that belongs to the table of fds a thread uses.
local function told_fds(thread)
    local owner = thread.main
    if thread.fds ~= owner.fds then owner = thread end
    local told = owner.told_fds
    if not told or owner.told_in ~= file then
        told = {}
        owner.told_fds, owner.told_in = told, file
    end
    return told, owner
end

local function tell_fd(thread, number)
    if not number or number < 0 then return end
    local fd, told, owner = thread.fds[number], told_fds(thread)
    if told[number] == fd then return end
    if fd then
        put(packing.fd(fd, owner.tid))
    else
        put(packing.no_fd(number, owner.tid))
    end
    told[number] = fd
end

-- The fd that the event in hand made will be known by that.
local function note_new_fd(thread)
    local fd = ev.fd
    if fd and ev.fdnum and fd.opened == ev.rel and thread.fds[ev.fdnum] == fd then
        told_fds(thread)[ev.fdnum] = fd
    end
end

-- What the parameters of an event type name, worked out once: fds that it works with, users, groups, threads.
local function mentions_of(info)
    local found = { fds = {}, uids = {}, gids = {}, pids = {}, lists = {} }
    local kinds = { fd = found.fds, uid = found.uids, gid = found.gids, pid = found.pids, fdlist = found.lists }
    local creates = bit.band(info.flags, CREATES_FD) ~= 0
    for i, param in ipairs(info.params) do
        local kind = kinds[param.type]
        local is_new = creates and param.type == "fd"
            and (i - 1 == info.res_index or param.name:match("^fd%d$") or param.name == "newfd")
        if kind and not is_new then kind[#kind + 1] = i - 1 end
    end
    info.mentions = found
    return found
end

local function tell_list(thread, i)
    local p, len = decode.param(i)
    if not p or len < 2 then return end
    local count = ffi.cast("const uint16_t *", p)[0]
    for k = 0, math.min(count, math.floor((len - 2) / 10)) - 1 do
        tell_fd(thread, tonumber(ffi.cast("const int64_t *", p + 2 + 10 * k)[0]))
    end
end

local function tell_mentioned(thread, info)
    local found = info.mentions or mentions_of(info)
    for _, i in ipairs(found.fds) do tell_fd(thread, num(i)) end
    for _, i in ipairs(found.lists) do tell_list(thread, i) end
    for _, i in ipairs(found.uids) do tell_user(num(i)) end
    for _, i in ipairs(found.gids) do tell_group(num(i)) end
    for _, i in ipairs(found.pids) do mention(num(i), thread) end
end

-- The enter event that the exit in hand belongs to, when it was left out.
local function held_enter(thread)
    local held = paired and thread.held
    if not held then return nil end
    thread.held = false
    return thread.held_type + 1 == ev.type and held or nil
end

local function hold(thread)
    thread.held, thread.held_type = ffi.string(cur.rec, cur.rec.len), ev.type
end

-- Whether an event begins a call whose end comes as an event of its own.
function is_enter(type)
    local exit = paired and type % 2 == 0 and event_info.events[type + 1]
    return exit and exit.exists
end

local function is_child_birth()
    return births[ev.type] and ev.res == 0
end

-- A child inherits from its process or its parent, of which nothing is told when it is not in the same container.
local function tell_of_birth(thread)
    local from = thread.main ~= thread and thread.main or by_tid[thread.ptid]
    tell_user(thread.uid)
    tell_cgroup(ev.cgroup)
    tell_container(ev.container)
    if from and from ~= thread and containers.of_thread(from) == containers.of_thread(thread) then
        tell_thread(from)
    else
        tell_ancestors(thread)
    end
end

local function tell_all_users()
    all_users = false
    for uid in pairs(by_uid) do tell_user(uid) end
    for gid in pairs(by_gid) do tell_group(gid) end
end

-- Tell what the event in hand, which is kept, needs.
function M.before()
    if all_users then tell_all_users() end
    local thread, info = ev.thread, ev.info
    if not thread.fds then return end
    -- the child that reports its birth is made by that; its own state is told with what it does next
    if is_child_birth() then return tell_of_birth(thread) end
    local held = held_enter(thread)
    tell_cgroup(ev.cgroup)
    tell_container(ev.container)
    tell_thread(thread)
    -- between an enter event that was kept and its exit nothing may come
    note_new_fd(thread)
    if paired and info.is_exit and not held and thread.kept_enter == ev.type - 1 then return end
    tell_mentioned(thread, info)
    if ev.fd then tell_fd(thread, ev.fdnum) end
    if held then put(packing.entered(held)) end
    thread.kept_enter = is_enter(ev.type) and ev.type or false
end

-- Whether a call that was left out changes an fd that was told.
local function changes_told_fd(thread, info)
    local told = told_fds(thread)
    if info.name == "close_range" then return next(told) ~= nil end
    return ev.fdnum ~= nil and told[ev.fdnum] ~= nil
end

-- The name of an ancestor may change: who was told it is told the new one.
local function rename(thread)
    if thread.named ~= file or thread.told == file then return end
    thread.named = false
    tell_name(thread)
end

-- Whether the event in hand, which is not kept, must be in the file all the same; `modifies`: it feeds the state.
function M.needs(modifies)
    local thread, info = ev.thread, ev.info
    if not thread.fds or births[ev.type] then return false end
    if is_enter(ev.type) then
        hold(thread)
        return false
    end
    if not modifies then return false end
    if thread.told ~= file then
        if process_handlers[ev.type] then rename(thread) end
        return false
    end
    if ev.type == WRITE_X then return false end
    local needed = paired or process_handlers[ev.type] ~= nil or changes_told_fd(thread, info)
    if needed then M.before() end
    return needed
end

-- A state record about this thread came: what was told of it is old.
function M.outdated(tid)
    local thread = by_tid[tid]
    if thread then thread.told, thread.named = false, false end
end

return M
