-- Fds that are made, copied and closed by calls that are neither opens nor socket calls.
local bit = require("bit")
local ev = require("ev")
local decode = require("decode")
local event_info = require("event_info")
local fds = require("state.fds")
local threads = require("state.threads")

local handlers = {}

local band = bit.band
local num, str = decode.num, decode.str
local layout = event_info.layout
local F_DUPFD, F_SETFD, F_DUPFD_CLOEXEC, FD_CLOEXEC = 1, 3, 26, 1
local FIONCLEX, FIOCLEX = 0x5450, 0x5451
local MFD_CLOEXEC, EPOLL_CLOEXEC, CLOSE_RANGE_CLOEXEC = 1, 1, 4

local function made(number, kind, name, cloexec)
    local fd = fds.new(number, kind, name)
    fd.cloexec = cloexec
    return fds.add(ev.thread, fd)
end

-- Calls whose result is one new fd of a kind. `cloexec`: bit of the flags parameter; true: always; nil: never.
local function maker(id, kind, cloexec)
    local at, code = layout("SYSCALL_" .. id .. "_X")
    handlers[code] = function()
        local number = ev.res
        if not number or number < 0 then return end
        local flags = at.flags and num(at.flags) or 0
        local closes = cloexec == true or (cloexec ~= nil and band(flags, cloexec) ~= 0)
        made(number, kind, at.name and str(at.name) or "", closes)
    end
end

maker("EVENTFD", fds.EVENT)
maker("EVENTFD2", fds.EVENT, fds.O_CLOEXEC)
maker("SIGNALFD", fds.SIGNALFD)
maker("SIGNALFD4", fds.SIGNALFD, fds.O_CLOEXEC)
maker("TIMERFD_CREATE", fds.TIMERFD)
maker("INOTIFY_INIT", fds.INOTIFY)
maker("INOTIFY_INIT1", fds.INOTIFY, fds.O_CLOEXEC)
maker("EPOLL_CREATE", fds.EVENTPOLL)
maker("EPOLL_CREATE1", fds.EVENTPOLL, EPOLL_CLOEXEC)
maker("USERFAULTFD", fds.USERFAULTFD, fds.O_CLOEXEC)
maker("MEMFD_CREATE", fds.MEMFD, MFD_CLOEXEC)
maker("IO_URING_SETUP", fds.IO_URING, true)

do
    local at, code = layout("SYSCALL_PIDFD_OPEN_X")
    handlers[code] = function()
        local number = ev.res
        if number and number >= 0 then made(number, fds.PIDFD, "", true).pid = num(at.pid) end
    end
end

-- the commands of bpf() that return an fd
local BPF_MAKES_FD = {
    [0] = true, [5] = true, [7] = true, [13] = true, [14] = true, [17] = true, [18] = true, [19] = true, [28] = true,
    [30] = true, [32] = true, [33] = true,
}

do
    local at, code = layout("SYSCALL_BPF_2_X")
    handlers[code] = function()
        local number = num(at.fd)
        if number and number >= 0 and BPF_MAKES_FD[num(at.cmd) or -1] then made(number, fds.BPF, "", true) end
    end
end

local function pipe(id)
    local at, code = layout("SYSCALL_" .. id .. "_X")
    handlers[code] = function()
        if not ev.res or ev.res < 0 then return end
        local cloexec = at.flags and band(num(at.flags) or 0, fds.O_CLOEXEC) ~= 0 or false
        local ino, first, second = num(at.ino) or 0, num(at.fd1), num(at.fd2)
        if first then made(first, fds.PIPE, "", cloexec).ino = ino end
        if second then made(second, fds.PIPE, "", cloexec).ino = ino end
    end
end

pipe("PIPE")
pipe("PIPE2")

local function duplicate(from, to, cloexec)
    local fd = ev.thread.fds[from]
    if not fd then return end
    if from == to then
        ev.fdnum, ev.fd = to, fd
        return
    end
    local new = fds.copy(fd, to)
    new.cloexec = cloexec
    fds.add(ev.thread, new)
end

local function dup(id)
    local at, code = layout("SYSCALL_" .. id .. "_X")
    handlers[code] = function()
        local from, to = num(at.oldfd), ev.res
        if not from or not to or to < 0 then return end
        local flags = at.flags and num(at.flags) or 0
        duplicate(from, to, band(flags, fds.O_CLOEXEC) ~= 0)
    end
end

dup("DUP_1")
dup("DUP2")
dup("DUP3")

-- Close-on-exec belongs to one number of one process: an entry shared with others is replaced by a copy.
local function set_cloexec(cloexec)
    local fd, number = ev.fd, ev.fdnum
    if not fd or fd.cloexec == cloexec then return end
    local own = fds.copy(fd, number)
    own.cloexec, own.opened = cloexec, fd.opened
    fds.add(ev.thread, own)
end

do
    local at, code = layout("SYSCALL_FCNTL_X")
    handlers[code] = function()
        local command = num(at.cmd)
        if not ev.res or ev.res < 0 then return end
        if command == F_DUPFD or command == F_DUPFD_CLOEXEC then
            duplicate(ev.fdnum or -1, ev.res, command == F_DUPFD_CLOEXEC)
        elseif command == F_SETFD then
            set_cloexec(band(num(at.arg) or 0, FD_CLOEXEC) ~= 0)
        end
    end
end

do
    local at, code = layout("SYSCALL_IOCTL_3_X")
    handlers[code] = function()
        local request = num(at.request)
        if request == FIOCLEX then
            set_cloexec(true)
        elseif request == FIONCLEX then
            set_cloexec(false)
        end
    end
end

do
    local _, code = layout("SYSCALL_CLOSE_X")
    handlers[code] = function()
        if ev.res and ev.res >= 0 and ev.fd then fds.close(ev.thread, ev.fdnum) end
    end
end

do
    local at, code = layout("SYSCALL_CLOSE_RANGE_X")
    handlers[code] = function()
        local first, last = num(at.first), num(at.last)
        if not ev.res or ev.res < 0 or not first or not last then return end
        local marks = band(num(at.flags) or 0, CLOSE_RANGE_CLOEXEC) ~= 0
        for number, fd in pairs(ev.thread.fds) do
            if number >= first and number <= last then
                if marks then fd.cloexec = true else fds.close(ev.thread, number) end
            end
        end
    end
end

-- An fd taken over from another process, which a pidfd names.
do
    local at, code = layout("SYSCALL_PIDFD_GETFD_X")
    handlers[code] = function()
        local pidfd = ev.thread.fds[num(at.pid_fd) or -1]
        local owner = pidfd and pidfd.pid and threads.get(pidfd.pid)
        local target = owner and owner.fds[num(at.target_fd) or -1]
        if not ev.res or ev.res < 0 or not target then return end
        local new = fds.copy(target, ev.res)
        new.cloexec = true
        fds.add(ev.thread, new)
    end
end

return handlers
