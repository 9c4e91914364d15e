-- What the state tables hold -> state records, as texts of bytes. Made for few: what a written trace must be told.
local bit = require("bit")
local ffi = require("ffi")
local record = require("record")
local schema = require("schema_data")
local fds = require("state.fds")

local M = {}

local HEADER, PREFIX, LARGE, STATE_ONLY = record.HEADER_SIZE, record.PREFIX_SIZE, record.LARGE, record.STATE_ONLY
local ALIGNMENT = 8
local SIZES = { pid = 8, fd = 8, int64 = 8, uint64 = 8, uint32 = 4, uid = 4, gid = 4, bool = 4, uint8 = 1, int16 = 2,
    uint16 = 2 }
local TEXT = { charbuf = true }
local NONE_V4, NONE_V6, NO_END = ("\0"):rep(4), ("\0"):rep(16), ("\0"):rep(8)
local L4 = { tcp = 2, udp = 3, icmp = 4, raw = 5 }
local ROLE = { client = 1, server = 2 }

local types = {}
for code, info in pairs(schema.events) do
    if code >= record.FIRST_STATE then types[info.id] = info end
end

local integer = ffi.new("int64_t[1]")

local function packed(kind, value)
    if value == nil then return "" end
    local size = SIZES[kind]
    if size then
        integer[0] = type(value) == "boolean" and (value and 1 or 0) or value
        return ffi.string(integer, size)
    end
    return TEXT[kind] and value .. "\0" or value
end

local function lengths_of(params, is_large)
    local lengths = ffi.new(is_large and "uint32_t[?]" or "uint16_t[?]", #params)
    for i, param in ipairs(params) do lengths[i - 1] = #param end
    return ffi.string(lengths, (is_large and 4 or 2) * #params)
end

local function is_large(params)
    for _, param in ipairs(params) do
        if #param > record.MAX_SHORT_PARAM then return true end
    end
    return false
end

-- A record of the state type with this id; `values` by parameter name, nil is absent.
function M.record(id, values, tid, pid, cgroup)
    local info, params = types["STATE_" .. id], {}
    for i, param in ipairs(info.params) do params[i] = packed(param.type, values[param.name]) end
    local large = is_large(params)
    local body = lengths_of(params, large) .. table.concat(params)
    local len = bit.band(HEADER + #body + ALIGNMENT - 1, -ALIGNMENT)
    local bytes = ffi.new("uint8_t[?]", len)
    local rec = ffi.cast(record.mut_ptr, bytes)
    rec.len, rec.flags, rec.cgroup_id, rec.pid = len, large and STATE_ONLY + LARGE or STATE_ONLY, cgroup or 0, pid or 0
    rec.tid, rec.event_len, rec.type, rec.nparams = tid or 0, HEADER - PREFIX + #body, info.code, #params
    ffi.copy(bytes + HEADER, body, #body)
    return ffi.string(bytes, len)
end

local function terminated(list)
    if not list or list == "" or list:sub(-1) == "\0" then return list end
    return list .. "\0"
end

-- As `decode.list` reads it: without the last NUL.
local function listed(list)
    return list and list ~= "" and list .. "\0" or list
end

-- What is known of the program's file, as the bits of an exec event; nil when nothing is.
local function program_flags(thread)
    if rawget(thread, "exe_writable") == nil then return nil end
    return (thread.exe_writable and 1 or 0) + (thread.exe_upper_layer and 2 or 0) + (thread.exe_from_memfd and 4 or 0)
        + (thread.exe_lower_layer and 8 or 0)
end

-- A thread and, of a main thread, its process. `cwd`: the one to tell.
function M.thread(thread, cwd)
    local main = thread.main
    return M.record("THREAD", {
        tid = thread.tid, pid = thread.pid, ptid = thread.ptid, sid = thread.sid, vpgid = thread.vpgid,
        pgid = thread.pgid, comm = thread.comm, exe = thread.exe, exepath = thread.exepath,
        args = terminated(thread.args), cwd = main == thread and cwd or "", root = thread.root,
        env = main == thread and listed(thread.env) or "", cgroups = thread.cgroups, fdlimit = main.fdlimit,
        flags = thread.flags, uid = thread.uid, gid = thread.gid, loginuid = thread.loginuid, vm_size = thread.vmsize,
        vm_rss = thread.vmrss, vm_swap = thread.vmswap, pgft_maj = thread.pfmajor, pgft_min = thread.pfminor,
        vtid = thread.vtid, vpid = thread.vpid, tty = thread.tty, start_ts = thread.start_ts,
        -- what it has of its process, it has by that
        pidns_init_start_ts = rawget(thread, "pidns_start"), exe_flags = program_flags(thread),
        cap_inheritable = rawget(thread, "cap_inheritable"), cap_permitted = rawget(thread, "cap_permitted"),
        cap_effective = rawget(thread, "cap_effective"), exe_ino = rawget(thread, "exe_ino"),
        exe_ctime = rawget(thread, "exe_ctime"), exe_mtime = rawget(thread, "exe_mtime"),
    }, thread.tid, thread.pid, thread.cgroup)
end

-- What a process is called, and whose child it is; nothing else of it.
function M.name(thread)
    return M.record("THREAD", {
        tid = thread.tid, pid = thread.pid, ptid = thread.ptid, sid = thread.sid, vpgid = thread.vpgid,
        pgid = thread.pgid, comm = thread.comm, exe = thread.exe, exepath = thread.exepath, vtid = thread.vtid,
        vpid = thread.vpid, start_ts = thread.start_ts,
    }, thread.tid, thread.pid)
end

local function port(number)
    return string.char(bit.band(number or 0, 0xFF), bit.rshift(bit.band(number or 0, 0xFFFF), 8))
end

local function ends_of(fd)
    if fd.type == fds.UNIX then
        return "\1" .. (fd.source or NO_END) .. (fd.peer or NO_END) .. (fd.path or fd.name) .. "\0"
    end
    if not fd.dip then return nil end
    local none = #fd.dip == 4 and NONE_V4 or NONE_V6
    local source = fd.sip and #fd.sip == #fd.dip and fd.sip or none
    return (#fd.dip == 4 and "\2" or "\10") .. source .. port(fd.sport) .. fd.dip .. port(fd.dport)
end

-- An fd of the process whose main thread has this tid.
function M.fd(fd, tid)
    local flags = bit.band(fd.flags, bit.bnot(fds.O_CLOEXEC))
    return M.record("FD", {
        fd = fd.num, ino = fd.ino, type = fd.type, flags = fd.cloexec and bit.bor(flags, fds.O_CLOEXEC) or flags,
        dev = fd.dev, name = fd.name, tuple = ends_of(fd), l4proto = L4[fd.l4] or 0, role = ROLE[fd.role] or 0,
    }, tid, tid)
end

local function marks_of(fd)
    return (fd.connected and 1 or 0) + (fd.listener and 2 or 0) + (fd.cloexec and 4 or 0)
end

-- What an FD record does not tell.
function M.fd_rest(fd, tid)
    return M.record("FD_REST", {
        fd = fd.num, marks = marks_of(fd), flags = fd.flags, opened = fd.opened, bound = fd.bound, sip = fd.sip,
        sport = fd.sport, dip = fd.dip, dport = fd.dport, source = fd.source, peer = fd.peer, path = fd.path,
        pid = fd.pid, sent = fd.sent, received = fd.received,
    }, tid, tid)
end

-- That an fd is what the FD record of this number told.
function M.fd_shared(number, entry, tid)
    return M.record("FD_SHARED", { fd = number, entry = entry }, tid, tid)
end

-- What a THREAD record does not tell. `fds_as`: number of the one whose fds it uses.
function M.thread_rest(thread, gone, fds_as)
    return M.record("THREAD_REST", {
        tid = thread.tid, known = thread.known and 1 or 0, gone = gone and 1 or 0, born = thread.born or nil,
        nchilds = thread.nchilds, fds_as = fds_as,
    }, thread.tid, thread.pid, thread.cgroup)
end

-- That a number of a process is free.
function M.no_fd(number, tid)
    return M.record("FD", { fd = number }, tid, tid)
end

local function labels_text(labels)
    local parts = {}
    for key, value in pairs(labels or {}) do parts[#parts + 1] = key .. "=" .. value .. "\0" end
    table.sort(parts)
    return table.concat(parts)
end

function M.container(container)
    local values = { labels = labels_text(container.labels) }
    for _, param in ipairs(types.STATE_CONTAINER.params) do
        if param.name ~= "labels" then values[param.name] = container[param.name] end
    end
    return M.record("CONTAINER", values)
end

function M.cgroup(id, path, container_id)
    return M.record("CGROUP", { cgroup_id = id, path = path, container_id = container_id })
end

function M.cgroup_removed(id, path)
    return M.record("CGROUP_RMDIR", { cgroup_id = id, path = path })
end

function M.endpoint(key, container_id)
    return M.record("ENDPOINT", { key = key, container_id = container_id })
end

function M.gap(cause, count)
    return M.record("GAP", { cause = cause, count = count, total = count, cpu = -1 })
end

function M.user(user)
    return M.record("USER", user)
end

function M.group(group)
    return M.record("GROUP", group)
end

function M.interface(interface)
    return M.record("INTERFACE", interface)
end

-- An enter event as it was recorded, for the exit that follows.
function M.entered(bytes)
    return M.record("ENTERED", { event = bytes })
end

return M
