-- State record -> state tables. The record is decoded like an event; `ev` is about the last event again afterwards.
local bit = require("bit")
local ffi = require("ffi")
local record = require("record")
local record_sink = require("record_sink")
local ev = require("ev")
local decode = require("decode")
local event_info = require("event_info")
local control = require("control").control
local dialect = require("dialect")
local address = require("state.address")
local containers = require("state.containers")
local endpoints = require("state.endpoints")
local fds = require("state.fds")
local interfaces = require("state.interfaces")
local overhead = require("state.overhead")
local sockets = require("state.sockets")
local program = require("state.program")
local restoring = require("state.restoring")
local told = require("state.told")
local threads = require("state.threads")
local users = require("state.users")
local snapshot = dialect.paired and require("state.paired.snapshot")

-- lost_by_cause: of the source in hand; lost_in_all: of all sources of the run
local M = { lost_by_cause = {}, lost_in_all = 0, cgroup_path = "" }

local cur = record.cur
local num, str, list, bytes = decode.num, decode.str, decode.list, decode.bytes
local words = decode.words
local apply = {}

-- Register the reader of a state record type; it gets the parameter positions by name, the record, and the value of
-- the parameter `key`, without which the record says nothing.
local function on(name, key, read)
    local at, code = event_info.layout("STATE_" .. name)
    local number = event_info.events[code].params[at[key] + 1].type ~= "charbuf"
    apply[code] = function(rec)
        local value
        if number then value = num(at[key]) else value = str(at[key]) end
        if value then read(at, rec, value) end
    end
end

local NUMBERS = {
    ptid = "ptid", sid = "sid", vpgid = "vpgid", pgid = "pgid", flags = "flags", uid = "uid", gid = "gid",
    loginuid = "loginuid", vmsize = "vm_size", vmrss = "vm_rss", vmswap = "vm_swap", pfmajor = "pgft_maj",
    pfminor = "pgft_min", vtid = "vtid", vpid = "vpid", tty = "tty", start_ts = "start_ts",
}

local function thread_texts(thread, at)
    thread.comm, thread.exepath = str(at.comm) or "", str(at.exepath) or ""
    thread.exe = str(at.exe) or thread.exepath
    thread.args, thread.root, thread.cgroups = words(at.args) or "", str(at.root) or "/", bytes(at.cgroups) or ""
end

local function process_facts(thread, at)
    local cwd = str(at.cwd)
    if cwd and cwd ~= "" then
        -- the cwd of a process always ends with a slash
        thread.cwd = cwd:sub(-1) == "/" and cwd or cwd .. "/"
    end
    thread.env, thread.fdlimit = list(at.env) or "", num(at.fdlimit) or -1
end

-- Start times of one thread differ by their makers' precision; a number is not used again within that.
local SAME_START_NS = 1e9

local function is_same_thread(thread, pid, start_ts)
    if thread.pid ~= pid then return false end
    return not thread.known or thread.start_ts == 0 or math.abs(tonumber(thread.start_ts) - start_ts) < SAME_START_NS
end

on("THREAD", "tid", function(at, rec, tid)
    if threads.pending > 0 then threads.flush() end
    local pid = num(at.pid) or tid
    local thread = threads.get(tid)
    if restoring.active or not thread or not is_same_thread(thread, pid, num(at.start_ts) or 0) then
        thread = threads.create(tid, pid)
    elseif thread.known and not str(at.exe) then
        -- told by the kernel from outside of the process, where its arguments cannot be read
        return
    end
    thread_texts(thread, at)
    for field, name in pairs(NUMBERS) do thread[field] = num(at[name]) or thread[field] end
    program.take(thread, at, at.exe_flags)
    if tid == pid then process_facts(thread, at) end
    if not thread.known then thread.born = rec.ts > 0 and tonumber(thread.start_ts) - tonumber(cur.first_ts) or nil end
    thread.cgroup, thread.known = tonumber(rec.cgroup_id), true
    if snapshot then snapshot.thread(thread) end
    if restoring.active then restoring.thread(thread) end
end)

local L4 = { [2] = "tcp", [3] = "udp", [4] = "icmp", [5] = "raw" }
local ROLE = { "client", "server" }

local function set_tuple(fd, at)
    local family, sip, sport, dip, dport = decode.tuple(at.tuple)
    if family == 1 then
        fd.source, fd.peer, fd.path = decode.unix(at.tuple)
    elseif dip then
        fd.sip, fd.sport, fd.dip, fd.dport = address.unmapped(sip), sport, address.unmapped(dip), dport
        if #fd.dip == 4 and fd.type == fds.IPV6 then fd.type = fds.IPV4 end
    end
end

local function snapshot_fd(at, rec, number)
    local kind = num(at.type) or fds.UNSUPPORTED
    if kind == fds.FILE_V2 then kind = fds.FILE end
    local fd = fds.new(number, kind, str(at.name))
    fd.ino, fd.flags, fd.dev = decode.exact(at.ino) or 0, num(at.flags) or 0, num(at.dev) or 0
    fd.l4, fd.role = L4[num(at.l4proto) or 0], ROLE[num(at.role) or 0]
    -- open before everything that the stream reports, or before the record that tells about it
    fd.cloexec, fd.opened = bit.band(fd.flags, fds.O_CLOEXEC) ~= 0, -1
    if rec.ts > 0 and cur.first_ts > 0 then fd.opened = tonumber(rec.ts - cur.first_ts) - 1 end
    set_tuple(fd, at)
    return fd
end

local function settle_socket(fd, thread)
    fd.listener = fd.type == fds.IPV4_LISTENER or fd.type == fds.IPV6_LISTENER
    if fd.listener then
        fd.role, fd.bound, fd.sip, fd.sport = "server", fd.dport, nil, nil
    end
    fd.connected = fd.l4 == "tcp" and not fd.listener and fd.dip ~= nil
    if fd.name == "" and fd.dip then
        fd.name = fd.listener and address.endpoint(fd.dip, fd.dport, fd.l4)
            or address.pair(fd.sip, fd.sport, fd.dip, fd.dport, fd.l4)
    end
    endpoints.observe(fd, containers.of_thread(thread))
end

on("FD", "fd", function(at, rec, number)
    if restoring.active then return restoring.fd(snapshot_fd(at, rec, number)) end
    local pid = tonumber(rec.pid)
    if pid == 0 then pid = tonumber(rec.tid) end
    local thread = threads.get(pid) or threads.placeholder(pid, pid)
    if not num(at.type) then
        -- the number is free
        thread.fds[number] = nil
        return
    end
    local fd = snapshot_fd(at, rec, number)
    if snapshot then return snapshot.fd(thread, fd) end
    if fds.pending > 0 then fds.flush() end
    if rec.ts > 0 then told.complete(fd) end
    if sockets.is_ip(fd) then settle_socket(fd, thread) end
    local old = thread.fds[fd.num]
    if not old or not told.is_known(old, fd) then thread.fds[fd.num] = fd end
end)

on("USER", "uid", function(at, _, uid)
    users.set_user({ uid = uid, gid = num(at.gid), name = str(at.name) or "", home = str(at.home) or "",
        shell = str(at.shell) or "" })
end)

on("GROUP", "gid", function(at, _, gid)
    users.set_group({ gid = gid, name = str(at.name) or "" })
end)

on("INTERFACE", "name", function(at)
    interfaces.add({ netns = num(at.netns) or 0, name = str(at.name) or "", addr = bytes(at.addr) or "",
        netmask = bytes(at.netmask) or "", broadcast = bytes(at.broadcast) or "", speed = num(at.speed) or 0 })
end)

on("CGROUP", "cgroup_id", function(at, _, id)
    containers.set_cgroup(id, str(at.path) or "", str(at.container_id) or "")
end)

local CONTAINER_TEXTS = { "id", "full_id", "type", "name", "image", "image_id", "image_repo", "image_tag",
    "image_digest", "ip", "json" }

local function labels_of(raw)
    local labels = {}
    for pair in (raw or ""):gmatch("%Z+") do
        local key, value = pair:match("^([^=]*)=?(.*)$")
        labels[key] = value
    end
    return labels
end

on("CONTAINER", "id", function(at)
    local info = { privileged = num(at.privileged) == 1, labels = labels_of(list(at.labels)) }
    info.netns = num(at.netns) or 0
    for _, name in ipairs(CONTAINER_TEXTS) do info[name] = str(at[name]) or "" end
    if info.id ~= "" then containers.update(info) end
end)

on("GAP", "count", function(at, _, count)
    local cause = str(at.cause) or ""
    M.lost_by_cause[cause] = (M.lost_by_cause[cause] or 0) + count
    control.lost, M.lost_in_all = control.lost + count, M.lost_in_all + count
end)

on("OVERHEAD", "step", function(at, rec, step)
    overhead.take(step, num(at.one_in) or 1, (num(at.programs) or 0) + (num(at.own) or 0), num(at.limit) or 0, rec.ts)
    overhead.count(decode.param(at.calls))
end)

on("SKIP", "count", function(_, _, count)
    control.num = control.num + count
    record_sink.left_out(count)
end)

on("CGROUP_MKDIR", "cgroup_id", function(at, _, id)
    control.cgroup_id, M.cgroup_path = id, str(at.path) or ""
    -- an id that is used again is not what it was
    containers.forget_cgroup(id)
end)

on("CGROUP_RMDIR", "cgroup_id", function(_, _, id)
    containers.cgroup_removed(id)
end)

restoring.register(on)

do
    local at, code = event_info.layout("STATE_ENTERED")
    apply[code] = function()
        local p, len = decode.param(at.event)
        if p then M.enter(ffi.cast(record.ptr, p), len) end
    end
end

local BEGIN, COMPLETE = 1, 2

-- A section of the trace begins: nothing known before counts any more; or its state is complete.
on("SECTION", "phase", function(_, _, phase)
    if phase == BEGIN then
        threads.clear()
        fds.forget_closes()
        interfaces.clear()
        users.clear()
    elseif phase == COMPLETE and dialect.paired then
        snapshot.complete()
    end
end)

-- Take in one state record.
function M.apply(rec, type)
    local reader = apply[type]
    if not reader then return end
    local was_rec, was_type, was_info = cur.rec, ev.type, ev.info
    cur.rec, ev.type, ev.info = rec, type, event_info.events[type]
    local ok, problem = pcall(reader, rec)
    cur.rec, ev.type, ev.info = was_rec, was_type, was_info
    if not ok then error(problem, 0) end
end

return M
