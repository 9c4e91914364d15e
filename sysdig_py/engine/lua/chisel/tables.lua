-- Threads and containers as tables for chisels: copies, so that a chisel cannot change the engine's state.

local address = require("state.address")
local containers = require("state.containers")
local ev = require("ev")
local fdtext = require("render.fd")
local filters = require("chisel.filters")
local schema = require("schema_data")
local threads = require("state.threads")
local users = require("state.users")

local M = {}

local U32 = 2 ^ 32
local READ_EXIT = 7 -- a filter is evaluated as if a read on each fd were just ending
local NAMED_TYPES = {
    docker = true, lxc = true, libvirt_lxc = true, mesos = true, rkt = true, cri = true, containerd = true,
    ["cri-o"] = true, bpm = true, podman = true,
}
local SAVED = {
    "type", "info", "is_exit", "name", "thread", "fdnum", "fd", "container", "tid", "pid", "cgroup", "latency",
}

local function list_of(text)
    local list = {}
    for item in (text or ""):gmatch("[^%z]+") do
        list[#list + 1] = item
    end
    return list
end

local function add_endpoints(entry, fd)
    entry.is_server = fd.role == "server"
    entry.l4proto = fd.l4 or "<NA>"
    entry.sip, entry.sport = fd.dip and address.text(fd.dip), fd.dport
    if not fd.listener then
        entry.cip, entry.cport = fd.sip and address.text(fd.sip), fd.sport
    end
end

local function fd_entry(fd, with_facts)
    if not with_facts then
        return {}
    end
    local entry = { name = fdtext.name(fd.name), type = fdtext.type(fd) }
    if fdtext.is_ip(fd) then
        add_endpoints(entry, fd)
    end
    return entry
end

local function add_facts(entry, thread)
    local user = users.by_uid[thread.uid]
    entry.ptid, entry.uid, entry.gid, entry.nchilds = thread.ptid % U32, thread.uid, thread.gid, thread.nchilds
    entry.vmsize_kb, entry.vmrss_kb, entry.vmswap_kb = thread.vmsize, thread.vmrss, thread.vmswap
    entry.pfmajor, entry.pfminor = thread.pfmajor, thread.pfminor
    entry.fdlimit, entry.flags = (thread.fdlimit or -1) % U32, thread.flags
    entry.comm, entry.exe, entry.username = thread.comm, thread.exe, user and user.name or "<NA>"
    entry.clone_ts = ("%.0f"):format(thread.start_ts)
    entry.args, entry.env = list_of(thread.args), list_of(thread.env)
end

local function look_at(thread, num, fd)
    ev.thread, ev.tid, ev.pid, ev.cgroup = thread, thread.tid, thread.pid, thread.cgroup
    ev.container = containers.of_thread(thread)
    ev.fdnum, ev.fd = num, fd
end

-- The thread's fds that pass the filter, nil when none does.
local function matching_fds(thread, predicate, with_facts)
    local found
    for num, fd in pairs(thread.fds or {}) do
        if predicate then
            look_at(thread, num, fd)
        end
        if not predicate or predicate() then
            found = found or {}
            found[num] = fd_entry(fd, with_facts)
        end
    end
    return found
end

local function collect(predicate, wanted)
    local result = {}
    for tid, thread in pairs(threads.by_tid) do
        threads.refresh(thread)
        local fds = matching_fds(thread, predicate, wanted.facts)
        if fds or not predicate then
            local entry = { tid = thread.tid, pid = thread.pid, fdtable = wanted.fds and (fds or {}) or nil }
            if wanted.facts then
                add_facts(entry, thread)
            end
            result[tid] = entry
        end
    end
    return result
end

-- Run `action` with `ev` describing the end of a read; whatever happens, `ev` is as before afterwards.
local function pretending_read(action, ...)
    local saved = {}
    for _, key in ipairs(SAVED) do
        saved[key] = ev[key]
    end
    ev.type, ev.info, ev.is_exit, ev.name, ev.latency = READ_EXIT, schema.events[READ_EXIT], true, "read", 0
    local ok, result = pcall(action, ...)
    for _, key in ipairs(SAVED) do
        ev[key] = saved[key]
    end
    if not ok then
        return error(result, 0)
    end
    return result
end

-- Return the thread table by tid. wanted: fds, facts (booleans).
function M.threads(run, chisel_name, caller, text, wanted)
    if text == nil or text == "" then
        return collect(nil, wanted)
    end
    local fail = ("invalid filter argument for %s in chisel %s"):format(caller, chisel_name)
    return pretending_read(collect, filters.compile_for_state(run.callbacks, text, fail), wanted)
end

-- Return the list of containers, by id.
function M.containers()
    local list = {}
    for _, container in pairs(containers.by_id) do
        list[#list + 1] = {
            id = container.id,
            name = container.name,
            image = container.image,
            type = NAMED_TYPES[container.type] and container.type or "unknown",
        }
    end
    table.sort(list, function(a, b)
        return a.id < b.id
    end)
    return list
end

return M
