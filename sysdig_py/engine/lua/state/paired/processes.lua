-- Process state in streams with enter events: exec, exit, directories, ids, limits, memory counters.
local bit = require("bit")
local ev = require("ev")
local decode = require("decode")
local event_info = require("event_info")
local cgroups = require("state.cgroups")
local path = require("state.path")
local pairings = require("state.paired.pairing")
local prepare = require("state.paired.prepare")
local program = require("state.program")
local threads = require("state.threads")

local handlers = {}

local num, str, int, bytes = decode.num, decode.str, decode.int, decode.bytes
local list, words = decode.list, decode.words
local layout = event_info.layout
local has_enter = prepare.has_enter
local UNCHANGED = 0xFFFFFFFF
local RLIMIT_NOFILE = 7
local SWITCH = 152
local AT_FDCWD, AT_EMPTY_PATH = -100, 4096

local function take_memory(thread)
    thread.pfmajor, thread.pfminor = num(8) or thread.pfmajor, num(9) or thread.pfminor
    thread.vmsize, thread.vmrss = num(10) or thread.vmsize, num(11) or thread.vmrss
    thread.vmswap = num(12) or thread.vmswap
end

local function program_path(thread)
    local given = thread.enter_1
    if not given then return thread.exepath end
    if given == "<NA>" then return given end
    return path.join(thread.main.cwd, given)
end

-- The directory fd and the name decide; an empty name is the file behind the fd itself.
local function program_path_at(thread)
    local given, flags, dirfd = thread.enter_1 or "", thread.enter_2 or 0, thread.enter_3
    if given == "<NA>" then return given end
    local fd = dirfd and dirfd >= 0 and thread.fds[dirfd]
    if given == "" and bit.band(flags, AT_EMPTY_PATH) ~= 0 then return fd and fd.name or "<NA>" end
    if not dirfd or dirfd == AT_FDCWD or given:sub(1, 1) == "/" then return path.join(thread.main.cwd, given) end
    return path.join(fd and fd.name .. "/" or "<UNKNOWN>", given)
end

local function take_program(thread, at)
    thread.exe, thread.args = str(1) or thread.exe, words(2) or ""
    thread.comm = at.comm and str(at.comm) or thread.exe
    threads.move(thread, num(4) or thread.pid)
    if thread.ptid == -1 then thread.ptid = num(5) or -1 end
    thread.main.fdlimit = num(7) or thread.main.fdlimit
    if at.env then thread.main.env = list(at.env) or "" end
end

local function take_container(thread, at)
    if not at.cgroups then return end
    thread.cgroups = bytes(at.cgroups) or ""
    cgroups.resolve(thread)
    ev.container = thread.container or nil
end

-- `vpgid` has had two names.
local function late_numbers(thread, at)
    thread.tty = at.tty and num(at.tty) or thread.tty
    local group = at.pgid or at.vpgid
    thread.vpgid = group and num(group) or thread.vpgid
    local loginuid = at.loginuid and num(at.loginuid)
    if loginuid then thread.loginuid = loginuid < 0 and loginuid + 2 ^ 32 or loginuid end
end

local function execve(at, name_of_program)
    if not ev.res or ev.res < 0 or ev.thread.absent then return end
    local thread = ev.thread
    take_program(thread, at)
    if at.pgft_maj then take_memory(thread) end
    take_container(thread, at)
    late_numbers(thread, at)
    program.take(thread, at, at.flags)
    if name_of_program and has_enter() then thread.exepath = name_of_program(thread) end
    thread.flags, thread.known, ev.pid = 0, true, thread.pid
    threads.settle_files(thread)
end

local PROGRAM = { EXECVE_18 = program_path, EXECVE_19 = program_path, EXECVEAT = program_path_at }

for _, id in ipairs({ "EXECVE_8", "EXECVE_13", "EXECVE_14", "EXECVE_15", "EXECVE_16", "EXECVE_17", "EXECVE_18",
    "EXECVE_19", "EXECVEAT" }) do
    local at, code = layout("SYSCALL_" .. id .. "_X")
    handlers[code] = function() execve(at, PROGRAM[id]) end
end

local function procexit()
    if not ev.thread.absent then threads.leave(ev.thread) end
end
handlers[16] = procexit
handlers[186] = procexit

-- Register `change` for the successful exits of a call.
local function on_success(id, change)
    local _, code = layout("SYSCALL_" .. id .. "_X")
    handlers[code] = function()
        if ev.res and ev.res >= 0 then change(ev.thread) end
    end
end

local function change_directory(thread, name)
    local main = thread.main
    main.cwd_before = main.cwd
    main.cwd = path.directory(main.cwd, name)
end

on_success("CHDIR", function(thread) change_directory(thread, str(1) or "") end)
on_success("GETCWD", function(thread) change_directory(thread, str(1) or "") end)
on_success("FCHDIR", function(thread)
    if ev.valid and ev.fd then change_directory(thread, ev.fd.name) end
end)
on_success("CHROOT", function(thread)
    thread.root = path.join(thread.main.cwd, str(1) or "")
    cgroups.resolve(thread)
    ev.container = thread.container or nil
end)
on_success("SETSID", function(thread) thread.sid = ev.res end)

-- `i`: which kept parameter of the enter event is the id.
local function set_id(id, field, i)
    on_success(id, function(thread)
        if not has_enter() then return end
        local value = i == 1 and thread.enter_1 or i == 2 and thread.enter_2 or nil
        if value and value ~= UNCHANGED then thread[field] = value end
    end)
end

set_id("SETUID", "uid", 1)
set_id("SETGID", "gid", 1)
set_id("SETRESUID", "uid", 2)
set_id("SETRESGID", "gid", 2)

local function set_limit(thread, resource)
    local value = int(1)
    if resource == RLIMIT_NOFILE and value and value ~= -1 then thread.main.fdlimit = value end
end

for _, id in ipairs({ "GETRLIMIT", "SETRLIMIT" }) do
    on_success(id, function(thread)
        if has_enter() then set_limit(thread, thread.enter_1) end
    end)
end

on_success("PRLIMIT", function(thread)
    if not has_enter() then return end
    local tid = thread.enter_1
    local other = (not tid or tid == 0) and thread or threads.get(tid)
    if other then set_limit(other, thread.enter_2) end
end)

for _, id in ipairs({ "BRK_4", "MMAP", "MMAP2", "MUNMAP" }) do
    local _, code = layout("SYSCALL_" .. id .. "_X")
    handlers[code] = function()
        local thread = ev.thread
        thread.vmsize = num(1) or thread.vmsize
        thread.vmrss = num(2) or thread.vmrss
        thread.vmswap = num(3) or thread.vmswap
    end
end

-- a context switch carries the counters of the thread that leaves
handlers[SWITCH] = function()
    local thread = ev.thread
    if thread.absent then return end
    pairings.know_main(thread)
    thread.pfmajor, thread.pfminor = num(1) or thread.pfmajor, num(2) or thread.pfminor
    local main = thread.main
    main.vmsize, main.vmrss = num(3) or main.vmsize, num(4) or main.vmrss
    main.vmswap = num(5) or main.vmswap
end

return handlers
