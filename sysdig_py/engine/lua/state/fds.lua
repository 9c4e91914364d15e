-- The fd tables: entries, and what closes, duplicates and execs do to them. An entry is shared by the processes that
-- inherited it, as the open file itself is.
local ev = require("ev")

local M = { pending = 0 }

M.FILE, M.DIRECTORY, M.IPV4, M.IPV6, M.IPV4_LISTENER, M.IPV6_LISTENER = 1, 2, 3, 4, 5, 6
M.PIPE, M.UNIX, M.EVENT, M.UNSUPPORTED, M.SIGNALFD, M.EVENTPOLL = 7, 8, 9, 10, 11, 12
M.INOTIFY, M.TIMERFD, M.NETLINK, M.FILE_V2 = 13, 14, 15, 16
M.BPF, M.USERFAULTFD, M.IO_URING, M.MEMFD, M.PIDFD = 17, 18, 19, 20, 21

M.O_CLOEXEC = 4096
M.O_DIRECTORY = 1024

-- closes that take effect with the next event, so that the closing event still sees its fd
local closing_tables, closing_nums, closing_fds = {}, {}, {}

-- What the entries of files, pipes and the like hold: few names, since most fds are of these and live shortly. Tables
-- of one shape are found by one piece of compiled code.
local function plain(num, kind, name)
    return {
        num = num, type = kind, name = name, flags = 0, dev = 0, ino = 0, listener = false, connected = false,
        cloexec = false, opened = ev.rel, has_tracers = nil, closing = nil, close_canceled = nil,
    }
end

local PLAIN = {
    [M.FILE] = true, [M.DIRECTORY] = true, [M.PIPE] = true, [M.EVENT] = true, [M.SIGNALFD] = true,
    [M.EVENTPOLL] = true, [M.INOTIFY] = true, [M.TIMERFD] = true,
}

function M.new(num, kind, name)
    if PLAIN[kind] then return plain(num, kind, name or "") end
    return {
        num = num, type = kind, name = name or "", flags = 0, dev = 0, ino = 0, listener = false, connected = false,
        cloexec = false, opened = ev.rel, has_tracers = nil, closing = nil, close_canceled = nil, l4 = nil, role = nil,
        sip = nil, sport = nil, dip = nil, dport = nil, bound = nil, sent = nil, received = nil, source = nil,
        peer = nil, path = nil, pid = nil,
    }
end

local carried = {}

-- Have copies of an entry keep what stands under this name, beside the above.
function M.carry(field)
    carried[#carried + 1] = field
end

-- Enter an fd into a thread's table; the event is from now on about it.
function M.add(thread, fd)
    thread.fds[fd.num] = fd
    ev.fdnum, ev.fd = fd.num, fd
    return fd
end

-- A copy under another number; only the number and close-on-exec are its own.
local function has_ends(fd)
    return fd.l4 or fd.role or fd.sip or fd.sport or fd.dip or fd.dport or fd.bound or fd.sent or fd.received
        or fd.source or fd.peer or fd.path or fd.pid
end

local function copy_ends(new, fd)
    new.l4, new.role, new.sip, new.sport, new.dip, new.dport = fd.l4, fd.role, fd.sip, fd.sport, fd.dip, fd.dport
    new.bound, new.sent, new.received = fd.bound, fd.sent, fd.received
    new.source, new.peer, new.path, new.pid = fd.source, fd.peer, fd.path, fd.pid
end

function M.copy(fd, num)
    local new = M.new(num, fd.type, fd.name)
    new.flags, new.dev, new.ino, new.listener, new.connected = fd.flags, fd.dev, fd.ino, fd.listener, fd.connected
    new.has_tracers, new.closing, new.close_canceled = fd.has_tracers, fd.closing, fd.close_canceled
    if not PLAIN[fd.type] or has_ends(fd) then copy_ends(new, fd) end
    for i = 1, #carried do
        local field = carried[i]
        new[field] = fd[field]
    end
    return new
end

-- Remove an fd when the next event comes. A successful close can be reported after the open that got the number
-- again; what was opened after the close began stays.
function M.close(thread, num)
    local fd = thread.fds[num]
    if not fd then return end
    if ev.latency > 0 and fd.opened > ev.rel - ev.latency then return end
    M.schedule(thread.fds, num, fd)
end

-- Remove this entry of a table when the next event comes, unless another one has taken its number.
function M.schedule(entries, num, fd)
    local n = M.pending + 1
    closing_tables[n], closing_nums[n], closing_fds[n] = entries, num, fd
    M.pending = n
end

local function forget(i)
    local fds, num = closing_tables[i], closing_nums[i]
    if fds[num] == closing_fds[i] then fds[num] = nil end
    closing_tables[i], closing_fds[i] = false, false
end

-- Nearly always it is one; a loop would cut the trace.
function M.flush()
    forget(1)
    if M.pending > 1 then
        for i = 2, M.pending do forget(i) end
    end
    M.pending = 0
end

-- Nothing is left to be closed.
function M.forget_closes()
    M.pending = 0
end

-- What a successful exec closes.
function M.close_on_exec(fds)
    for num, fd in pairs(fds) do
        if fd.cloexec then fds[num] = nil end
    end
end

return M
