-- All that the state tables hold as state records, so that a reader may begin behind them: what is read from there on
-- reads as if all before had been read. `state/restoring.lua` takes it in.
local control = require("control").control
local record = require("record")
local containers = require("state.containers")
local endpoints = require("state.endpoints")
local fds = require("state.fds")
local interfaces = require("state.interfaces")
local packing = require("state.packing")
local state_records = require("state.records")
local threads = require("state.threads")
local users = require("state.users")

local M = {}

local BEGIN, COMPLETE = 1, 2
local made, size, put

local function sorted_keys(of)
    local keys = {}
    for key in pairs(of) do keys[#keys + 1] = key end
    table.sort(keys)
    return keys
end

local function each(of, pack)
    for _, key in ipairs(sorted_keys(of)) do put(pack(of[key])) end
end

local function cgroups_of(container)
    local found = {}
    for id, owner in pairs(containers.by_cgroup) do
        if owner == container then found[#found + 1] = id end
    end
    table.sort(found)
    return found
end

local function tell_cgroup(id, container_id)
    put(packing.cgroup(id, containers.path_of[id] or "", container_id))
end

-- One whose address was taken from it, because its cgroup was removed, loses it again.
local function tell_container(container)
    put(packing.container(container))
    local cgroups = cgroups_of(container)
    for _, id in ipairs(cgroups) do tell_cgroup(id, container.id) end
    if container.ip_raw and containers.by_ip[container.ip_raw] ~= container and cgroups[1] then
        put(packing.cgroup_removed(cgroups[1], containers.path_of[cgroups[1]] or ""))
    end
end

-- Those that have lost their address come before those that may have it now.
local function tell_containers()
    local ids = sorted_keys(containers.by_id)
    for _, has_address in ipairs({ false, true }) do
        for _, id in ipairs(ids) do
            local container = containers.by_id[id]
            if (containers.by_ip[container.ip_raw or 0] == container) == has_address then tell_container(container) end
        end
    end
    for _, id in ipairs(sorted_keys(containers.path_of)) do
        if not containers.by_cgroup[id] then tell_cgroup(id, "") end
    end
end

-- Processes with their threads in the order of their ids, those first whose main thread has ended.
local function processes()
    local of_main, gone, alive = {}, {}, {}
    for _, tid in ipairs(sorted_keys(threads.by_tid)) do
        local thread = threads.by_tid[tid]
        local main = thread.main
        if not of_main[main] then
            of_main[main] = { main = main, others = {}, gone = threads.by_tid[main.tid] ~= main }
            local list = of_main[main].gone and gone or alive
            list[#list + 1] = of_main[main]
        end
        if thread ~= main then table.insert(of_main[main].others, thread) end
    end
    for _, process in ipairs(alive) do gone[#gone + 1] = process end
    return gone
end

-- What was told: threads, open files and tables of fds, by the number of the record.
local function tell_fds(main, told)
    for _, number in ipairs(sorted_keys(main.fds)) do
        local fd = main.fds[number]
        if told.entries[fd] then
            put(packing.fd_shared(number, told.entries[fd], main.tid))
        else
            told.entries[fd], told.fds = told.fds, told.fds + 1
            put(packing.fd(fd, main.tid))
            put(packing.fd_rest(fd, main.tid))
        end
    end
end

local function tell_thread(thread, told, gone)
    put(packing.thread(thread, thread.cwd))
    local fds_as = thread == thread.main and told.tables[thread.fds] or nil
    put(packing.thread_rest(thread, gone, fds_as))
    told.threads = told.threads + 1
end

local function tell_process(process, told)
    local main, number = process.main, told.threads
    tell_thread(main, told, process.gone)
    for _, thread in ipairs(process.others) do tell_thread(thread, told, false) end
    if told.tables[main.fds] then return end
    told.tables[main.fds] = number
    tell_fds(main, told)
end

local function tell_processes()
    local told = { threads = 0, fds = 0, entries = {}, tables = {} }
    for _, process in ipairs(processes()) do tell_process(process, told) end
end

local function tell_endpoints()
    local keys, owner = endpoints.all()
    for _, key in ipairs(keys) do
        if owner[key] then put(packing.endpoint(key, owner[key].id)) end
    end
end

local function tell_losses()
    for _, cause in ipairs(sorted_keys(state_records.lost_by_cause)) do
        put(packing.gap(cause, state_records.lost_by_cause[cause]))
    end
end

local function mark(phase)
    put(packing.record("CHECKPOINT", { phase = phase, events = control.num, first_ts = record.cur.first_ts }))
end

-- The records as texts of at most `limit` bytes each (or one record), how many are in each, and the time of the first
-- event as digits.
function M.make(limit)
    local parts, counts, count = {}, {}, 0
    made, size = {}, 0
    local function finish()
        parts[#parts + 1], counts[#counts + 1] = table.concat(made), count
        made, size, count = {}, 0, 0
    end
    put = function(bytes)
        if size > 0 and size + #bytes > limit then finish() end
        made[#made + 1], size, count = bytes, size + #bytes, count + 1
    end
    if fds.pending > 0 then fds.flush() end
    if threads.pending > 0 then threads.flush() end
    mark(BEGIN)
    for _, interface in ipairs(interfaces.list) do put(packing.interface(interface)) end
    each(users.by_uid, packing.user)
    each(users.by_gid, packing.group)
    tell_containers()
    tell_processes()
    tell_endpoints()
    tell_losses()
    mark(COMPLETE)
    finish()
    return parts, counts, (tostring(record.cur.first_ts):gsub("%D", ""))
end

return M
