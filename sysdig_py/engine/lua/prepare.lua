-- What the walk does with a record before state changes and filter see it: the header into `ev`, then whose event it is
-- and which fd it is about. For streams of exit events that carry pid, cgroup and latency themselves. Those of a .scap
-- do not: pid and container are what the thread table knows, the latency stays unknown.
local record = require("record")
local ev = require("ev")
local decode = require("decode")
local schema = require("schema_data")
local threads = require("state.threads")
local cgroups = require("state.cgroups")
local containers = require("state.containers")
local spans = require("tracer.spans")

local M = {}

local WRITE, DEV_NULL = 9, spans.DEV_NULL
local tonumber = tonumber
local cur = record.cur
local syscall_names = schema.syscall_names
local by_tid, by_cgroup = threads.by_tid, containers.by_cgroup
local int, uint = decode.int, decode.uint
local nobody = threads.blank(-1, -1)
nobody.main, nobody.fds, nobody.cwd, nobody.env, nobody.fdlimit = nobody, {}, "./", "", -1

local function event_name(type, info)
    if type > 1 then return info.name end
    local id = uint(0)
    return id and syscall_names[id] or info.name
end

function M.header(rec, type, info)
    if cur.first_ts == 0 then cur.first_ts = rec.ts end
    ev.type, ev.info, ev.is_exit = type, info, info.is_exit
    ev.tid, ev.pid, ev.cpu, ev.flags = tonumber(rec.tid), tonumber(rec.pid), rec.cpu, rec.flags
    ev.rel, ev.latency = tonumber(rec.ts - cur.first_ts), tonumber(rec.latency_ns)
    ev.name = event_name(type, info)
    ev.res = info.res_index >= 0 and int(0) or nil
end

local function find_thread(info)
    if info.no_thread then return nobody end
    local tid, pid = ev.tid, ev.pid
    local thread = by_tid[tid]
    if not thread or (pid ~= 0 and thread.pid ~= pid) then return threads.placeholder(tid, pid) end
    return thread
end

local function find_fd(thread, info)
    local fd_index = info.fd_index
    if fd_index < 0 then
        ev.fdnum, ev.fd = nil, nil
        return
    end
    local num = int(fd_index)
    ev.fdnum = num
    -- a negative number (mmap without a file) must not reach the table: LuaJIT cannot compile that look-up
    if num and num >= 0 then ev.fd = thread.fds[num] else ev.fd = nil end
    if info.code == WRITE and ev.fd and ev.fd.name == DEV_NULL then spans.written() end
end

local function without_cgroup(thread, info)
    ev.thread, ev.cgroup, ev.container = thread, 0, cgroups.container_of(thread)
    find_fd(thread, info)
end

function M.context(rec, info)
    local thread = find_thread(info)
    local cgroup = tonumber(rec.cgroup_id)
    if cgroup == 0 then
        if ev.pid == 0 then ev.pid = thread.pid end
        cgroup = thread.cgroup
        if cgroup == 0 then return without_cgroup(thread, info) end
    elseif thread.cgroup ~= cgroup then
        thread.cgroup = cgroup
    end
    ev.thread, ev.cgroup, ev.container = thread, cgroup, by_cgroup[cgroup]
    find_fd(thread, info)
end

return M
