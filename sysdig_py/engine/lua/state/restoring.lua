-- A checkpoint of the stream (`state/checkpoint.lua`) -> the state tables. THREAD and FD records are read as ever
-- (`state/records.lua`), what is said here of `last` follows them.
local bit = require("bit")
local record = require("record")
local record_sink = require("record_sink")
local decode = require("decode")
local control = require("control").control
local containers = require("state.containers")
local endpoints = require("state.endpoints")
local threads = require("state.threads")

local M = { active = false }

local cur = record.cur
local num, bytes, str = decode.num, decode.bytes, decode.str
local band = bit.band
local BEGIN, COMPLETE = 1, 2
local CONNECTED, LISTENS, CLOSE_ON_EXEC = 1, 2, 4
local PATH_END = 8
local all_threads, all_fds, gone, children
local thread, main, fd

local function begin()
    M.active = true
    all_threads, all_fds, gone, children = {}, {}, {}, {}
    thread, main, fd = nil, nil, nil
end

local function complete(events, first_ts)
    M.active = false
    for _, one in ipairs(gone or {}) do threads.remove(one) end
    for one, count in pairs(children or {}) do one.nchilds = count end
    control.num, cur.first_ts = events, first_ts
    record_sink.resumed(first_ts, events)
end

-- A thread was told.
function M.thread(told)
    thread, fd = told, nil
    all_threads[#all_threads + 1] = told
    if told.main == told then main = told end
end

-- An fd was told: enters it.
function M.fd(told)
    fd = told
    all_fds[#all_fds + 1] = told
    if main then main.fds[told.num] = told end
end

local function thread_rest(at)
    thread.known, thread.born = num(at.known) == 1, num(at.born)
    children[thread] = num(at.nchilds)
    if num(at.gone) == 1 then gone[#gone + 1] = thread end
    local other = all_threads[(num(at.fds_as) or -1) + 1]
    if other and other ~= thread then
        thread.fds, thread.fds_shared, other.fds_shared = other.fds, true, true
    end
end

-- A raw IP address, nil for anything else.
local function address(i)
    local ip = bytes(i)
    return ip and (#ip == 4 or #ip == 16) and ip or nil
end

local function ends(at)
    fd.sip, fd.sport, fd.dip, fd.dport = address(at.sip), num(at.sport), address(at.dip), num(at.dport)
    fd.bound, fd.sent, fd.received = num(at.bound), bytes(at.sent), bytes(at.received)
    local source, peer = bytes(at.source), bytes(at.peer)
    if source and peer and #source == PATH_END and #peer == PATH_END then fd.source, fd.peer = source, peer end
    fd.path = str(at.path)
end

local function fd_rest(at)
    local marks = num(at.marks) or 0
    fd.connected, fd.listener = band(marks, CONNECTED) ~= 0, band(marks, LISTENS) ~= 0
    fd.cloexec = band(marks, CLOSE_ON_EXEC) ~= 0
    fd.flags, fd.opened, fd.pid = num(at.flags) or 0, num(at.opened) or -1, num(at.pid)
    ends(at)
end

-- Register the readers with `on` (see `state/records.lua`).
function M.register(on)
    on("CHECKPOINT", "phase", function(at, _, phase)
        if phase == BEGIN then
            begin()
        elseif phase == COMPLETE then
            complete(num(at.events) or 0, decode.u64(at.first_ts) or 0)
        end
    end)
    on("THREAD_REST", "tid", function(at)
        if M.active and thread then thread_rest(at) end
    end)
    on("FD_REST", "fd", function(at)
        if M.active and fd then fd_rest(at) end
    end)
    on("FD_SHARED", "fd", function(at, _, number)
        local entry = M.active and all_fds[(num(at.entry) or -1) + 1]
        if entry and main then main.fds[number] = entry end
    end)
    on("ENDPOINT", "container_id", function(at, _, id)
        local key, container = bytes(at.key), containers.by_id[id]
        if key and container then endpoints.enter(key, container) end
    end)
end

return M
