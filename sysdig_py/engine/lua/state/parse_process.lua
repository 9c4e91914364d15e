-- Process state: exec, exit, directories, ids, limits, memory counters, names.
local ev = require("ev")
local decode = require("decode")
local event_info = require("event_info")
local fds = require("state.fds")
local path = require("state.path")
local program = require("state.program")
local threads = require("state.threads")

local handlers = {}

local num, str, list, bytes = decode.num, decode.str, decode.list, decode.bytes
local words = decode.words
local layout = event_info.layout
local UNCHANGED = 0xFFFFFFFF
local RLIMIT_NOFILE = 7
local PR_SET_NAME, NAME_MAX = 15, 15

-- thread field -> name of the integer parameter
local EXEC_NUMBERS = {
    pfmajor = "pgft_maj", pfminor = "pgft_min", vmsize = "vm_size", vmrss = "vm_rss", vmswap = "vm_swap",
    tty = "tty", vpgid = "vpgid", pgid = "pgid", loginuid = "loginuid", uid = "uid", gid = "gid",
}

local function take_numbers(thread, at, names)
    for field, name in pairs(names) do
        local value = at[name] and num(at[name])
        if value then thread[field] = value end
    end
end

local function take_text(thread, at)
    thread.exe = str(at.exe) or thread.exe
    thread.args = words(at.args) or ""
    thread.comm = at.comm and str(at.comm) or thread.exe
    thread.cgroups = at.cgroups and bytes(at.cgroups) or thread.cgroups
    thread.main.env = at.env and list(at.env) or thread.main.env
end

-- Path of the program: the kernel's own when reported, else the name as given, joined with the working directory.
local function exec_path(thread, at)
    local trusted = at.trusted_exepath and str(at.trusted_exepath)
    if trusted and trusted ~= "" and trusted ~= "<NA>" then return trusted end
    local given = at.filename and str(at.filename)
    if not given or given == "" or given == "<NA>" then return "<NA>" end
    return path.join(thread.main.cwd, given)
end

local function drop_old_image(main)
    if main.fds_shared then threads.unshare_fds(main) end
    fds.close_on_exec(main.fds)
end

local function execve(at)
    if not ev.res or ev.res < 0 then return end
    local thread = ev.thread
    take_text(thread, at)
    take_numbers(thread, at, EXEC_NUMBERS)
    program.take(thread, at, at.flags)
    thread.exepath = exec_path(thread, at)
    thread.main.fdlimit = num(at.fdlimit) or thread.main.fdlimit
    if thread.ptid < 0 then thread.ptid = num(at.ptid) or -1 end
    thread.flags, thread.known = 0, true
    drop_old_image(thread.main)
end

for _, id in ipairs({ "EXECVE_8", "EXECVE_13", "EXECVE_14", "EXECVE_15", "EXECVE_16", "EXECVE_17", "EXECVE_18",
    "EXECVE_19", "EXECVEAT" }) do
    local at, code = layout("SYSCALL_" .. id .. "_X")
    handlers[code] = function() execve(at) end
end

do
    local at, code = layout("SYSCALL_CAPSET_X")
    handlers[code] = function()
        if ev.res == 0 then program.take(ev.thread, at, nil) end
    end
end

handlers[16] = function()
    threads.leave(ev.thread)
end

-- Children of the one that ends get another parent. Those that go to another thread of the process keep it; as long as
-- a main thread has others, that is whom they go to.
do
    local at, code = layout("PROCEXIT_1_E")
    handlers[code] = function()
        local thread = ev.thread
        local reaper = num(at.reaper_tid) or 0
        if reaper > 0 and thread.nchilds == 0 then threads.hand_over(thread.pid, reaper) end
        threads.leave(thread)
    end
end

local function succeeded()
    return ev.res and ev.res >= 0
end

-- Register `change(at)` for the successful exits of a call.
local function on_success(id, change)
    local at, code = layout(id)
    handlers[code] = function()
        if succeeded() then change(at) end
    end
end

on_success("SYSCALL_CHDIR_X", function(at)
    local main = ev.thread.main
    local name = str(at.path)
    main.cwd_before = main.cwd
    if name then main.cwd = path.directory(main.cwd, name) end
end)

on_success("SYSCALL_FCHDIR_X", function()
    local main, fd = ev.thread.main, ev.fd
    if fd then main.cwd = path.directory(main.cwd, fd.name) end
end)

on_success("SYSCALL_GETCWD_X", function(at)
    local name = str(at.path)
    if name then ev.thread.main.cwd = path.directory("/", name) end
end)

on_success("SYSCALL_CHROOT_X", function(at)
    local name = str(at.path)
    if name then ev.thread.root = path.join(ev.thread.main.cwd, name) end
end)

on_success("SYSCALL_SETSID_X", function()
    local thread = ev.thread
    thread.sid, thread.vpgid, thread.pgid = ev.res, ev.res, ev.res
end)

on_success("SYSCALL_SETPGID_X", function(at)
    local pid, pgid = num(at.pid), num(at.pgid)
    if not pid or not pgid then return end
    local thread = pid == 0 and ev.thread.main or threads.get(pid)
    if thread then thread.pgid = pgid == 0 and thread.pid or pgid end
end)

local function set_id(field, name)
    return function(at)
        local value = num(at[name])
        if value and value ~= UNCHANGED then ev.thread[field] = value end
    end
end

on_success("SYSCALL_SETUID_X", set_id("uid", "uid"))
on_success("SYSCALL_SETGID_X", set_id("gid", "gid"))
on_success("SYSCALL_SETRESUID_X", set_id("uid", "euid"))
on_success("SYSCALL_SETRESGID_X", set_id("gid", "egid"))
on_success("SYSCALL_SETREUID_X", set_id("uid", "euid"))
on_success("SYSCALL_SETREGID_X", set_id("gid", "egid"))

local function limit_of(thread, at, name)
    local value = num(at[name])
    if num(at.resource) == RLIMIT_NOFILE and value and value ~= -1 then thread.main.fdlimit = value end
end

on_success("SYSCALL_GETRLIMIT_X", function(at) limit_of(ev.thread, at, "cur") end)
on_success("SYSCALL_SETRLIMIT_X", function(at) limit_of(ev.thread, at, "cur") end)
on_success("SYSCALL_PRLIMIT_X", function(at)
    local pid = num(at.pid)
    local thread = (not pid or pid == 0) and ev.thread or threads.get(pid)
    if thread then limit_of(thread, at, "newcur") end
end)

on_success("SYSCALL_PRCTL_X", function(at)
    local name = str(at.arg2_str)
    -- the kernel keeps no more of it
    if num(at.option) == PR_SET_NAME and name then ev.thread.comm = name:sub(1, NAME_MAX) end
end)

for _, id in ipairs({ "BRK_4", "MMAP", "MMAP2", "MUNMAP" }) do
    local at, code = layout("SYSCALL_" .. id .. "_X")
    handlers[code] = function()
        local thread = ev.thread
        thread.vmsize = num(at.vm_size) or thread.vmsize
        thread.vmrss = num(at.vm_rss) or thread.vmrss
        thread.vmswap = num(at.vm_swap) or thread.vmswap
    end
end

-- a context switch carries the counters of the thread that leaves
handlers[152] = function()
    local at = ev.info.index
    local thread = ev.thread
    thread.pfmajor, thread.pfminor = num(at.pgft_maj) or thread.pfmajor, num(at.pgft_min) or thread.pfminor
    local main = thread.main
    main.vmsize, main.vmrss = num(at.vm_size) or main.vmsize, num(at.vm_rss) or main.vmrss
    main.vmswap = num(at.vm_swap) or main.vmswap
end

return handlers
