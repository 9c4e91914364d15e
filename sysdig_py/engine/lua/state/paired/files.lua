-- Fds that calls make, copy and close, in streams with enter events.
local bit = require("bit")
local ev = require("ev")
local decode = require("decode")
local event_info = require("event_info")
local fds = require("state.fds")
local path = require("state.path")
local prepare = require("state.paired.prepare")
local table_ = require("state.paired.fdtable")

local handlers = {}

local band = bit.band
local num, str, int = decode.num, decode.str, decode.int
local has_enter = prepare.has_enter
local AT_FDCWD = -100

local function code_of(id, half)
    local _, code = event_info.layout(id .. (half or "_X"))
    return code
end

-- The directory that a relative name starts from.
local function base_of(thread, name, dirfd)
    if not dirfd or dirfd == AT_FDCWD or name:sub(1, 1) == "/" then return thread.main.cwd end
    local fd = dirfd >= 0 and thread.fds[dirfd]
    if not fd then return "<UNKNOWN>" end
    return fd.name .. "/"
end

local function add_file(name, flags, dirfd, dev)
    local thread = ev.thread
    local kind = band(flags, fds.O_DIRECTORY) ~= 0 and fds.DIRECTORY or fds.FILE
    local fd = fds.new(ev.res, kind, path.join(base_of(thread, name, dirfd), name))
    fd.flags, fd.dev = flags, dev or 0
    table_.add(thread, fd)
end

local function is_real(name)
    return name and name ~= "" and name ~= "(NULL)"
end

-- `at`: positions of name, flags, dirfd and dev in the exit event; the enter event's name wins with what goes with it.
local function opener(id, at)
    handlers[code_of(id)] = function()
        if not ev.res or ev.res < 0 or ev.thread.absent then return end
        local name, flags = at.name and str(at.name) or "", at.flags and num(at.flags) or 0
        local dirfd = at.dirfd and int(at.dirfd)
        local dev = at.dev and num(at.dev)
        local thread = ev.thread
        local entered = has_enter()
        if entered and is_real(thread.enter_1) then
            name, flags = thread.enter_1, thread.enter_2 or flags
            dirfd = thread.enter_3 or nil
        elseif at.only_enter then
            return
        end
        add_file(name, flags, dirfd, dev)
    end
end

opener("SYSCALL_OPEN", { name = 1, flags = 2, dev = 4 })
opener("SYSCALL_CREAT", { name = 1, dev = 3 })
opener("SYSCALL_OPENAT", { only_enter = true })
opener("SYSCALL_OPENAT_2", { dirfd = 1, name = 2, flags = 3, dev = 5 })
opener("SYSCALL_OPENAT2", { dirfd = 1, name = 2, flags = 3 })

-- Calls whose result is one new fd of a kind.
local function maker(id, kind)
    handlers[code_of("SYSCALL_" .. id)] = function()
        if ev.res and ev.res >= 0 then table_.add(ev.thread, fds.new(ev.res, kind)) end
    end
end

maker("EVENTFD", fds.EVENT)
maker("SIGNALFD", fds.SIGNALFD)
maker("TIMERFD_CREATE", fds.TIMERFD)
maker("INOTIFY_INIT", fds.INOTIFY)

handlers[code_of("SYSCALL_PIPE")] = function()
    if not ev.res or ev.res < 0 then return end
    for i = 1, 2 do
        local fd = fds.new(int(i) or -1, fds.PIPE)
        fd.ino = decode.exact(3) or 0
        table_.add(ev.thread, fd)
    end
end

local function duplicate(number)
    local fd = ev.valid and ev.fd
    if fd then table_.add(ev.thread, fds.copy(fd, number)) end
end

for _, id in ipairs({ "DUP", "DUP_1", "DUP2", "DUP3" }) do
    local known, code = pcall(code_of, "SYSCALL_" .. id)
    if known then
        handlers[code] = function()
            if ev.res and ev.res >= 0 then duplicate(ev.res) end
        end
    end
end

handlers[code_of("SYSCALL_FCNTL")] = function()
    if ev.res and ev.res >= 0 and has_enter() then duplicate(ev.res) end
end

handlers[code_of("SYSCALL_CLOSE", "_E")] = function()
    if ev.fd then ev.fd.closing = true end
end

handlers[code_of("SYSCALL_CLOSE")] = function()
    local fd = ev.valid and ev.fd
    if not fd or not ev.res then return end
    if ev.res >= 0 then table_.close(ev.thread, fd) else fd.closing = nil end
end

handlers[code_of("SOCKET_GETSOCKOPT")] = function()
    if decode.nparams() > 0 then
        local thread, number = ev.thread, int(1) or -1
        thread.pairing.last_fd, ev.fdnum = number, number
        if number >= 0 then ev.fd = thread.fds[number] end
        ev.old_name = ev.fd and ev.fd.name or ""
    end
end

return handlers
