-- Fields about the program a process runs, the rights it has and what its standard descriptors are.
local bit = require("bit")
local ffi = require("ffi")
local ev = require("ev")
local fdtext = require("render.fd")
local memo = require("fields.memo")
local ancestry = require("fields.ancestry")

local F = {}

-- Facts only some streams have: no value where nothing told them.
local function of_thread(key)
    return { get = function() return ev.thread[key] end }
end

F["proc.is_exe_writable"] = { get = function()
    local thread = ev.thread
    if thread.absent then return nil end
    return thread.exe_writable == true
end }

F["proc.is_exe_upper_layer"] = of_thread("exe_upper_layer")
F["proc.is_exe_lower_layer"] = of_thread("exe_lower_layer")
F["proc.is_exe_from_memfd"] = of_thread("exe_from_memfd")
F["proc.exe_ino"] = of_thread("exe_ino")

-- A time in ns since the epoch, of which a Lua number loses the last digits: the text has all of them.
local function time_of(key)
    return {
        get = function()
            local ns = ev.thread[key]
            return ns and tonumber(ns)
        end,
        text = function()
            local ns = ev.thread[key]
            return ns and tostring(ns):match("^%d+")
        end,
    }
end

F["proc.exe_ino.ctime"] = time_of("exe_ctime")
F["proc.exe_ino.mtime"] = time_of("exe_mtime")
F["proc.pidns_init_start_ts"] = time_of("pidns_start")

-- Ns from the moment `first` to the moment `second`; both are keys of the thread.
local function between(first, second)
    return { get = function()
        local thread = ev.thread
        local from, to = thread[first], thread[second]
        if not from or not to or from == 0 or to == 0 then return nil end
        return tonumber(ffi.cast("int64_t", to) - ffi.cast("int64_t", from))
    end }
end

F["proc.exe_ino.ctime_duration_proc_start"] = between("exe_ctime", "start_ts")
F["proc.exe_ino.ctime_duration_pidns_start"] = between("pidns_start", "exe_ctime")

local arguments_of = memo.one(function(list)
    local count, length = 0, 0
    for argument in list:gmatch("%Z+") do count, length = count + 1, length + #argument end
    return { count = count, length = length }
end)

local function about_arguments(key)
    return { get = function()
        local args = ev.thread.args
        return args and arguments_of(args)[key]
    end }
end

F["proc.cmdnargs"] = about_arguments("count")
F["proc.cmdlenargs"] = about_arguments("length")

local WORDS = {
    [0] = "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID",
    "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN",
    "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
}

local capability_words = memo.one(function(mask)
    local words, low, high = {}, mask % 2 ^ 32, math.floor(mask / 2 ^ 32)
    for i = 0, #WORDS do
        local half = i < 32 and low or high
        if bit.band(bit.rshift(half, i % 32), 1) == 1 then words[#words + 1] = WORDS[i] end
    end
    return table.concat(words, " ")
end)

for _, name in ipairs({ "permitted", "inheritable", "effective" }) do
    local key = "cap_" .. name
    F["thread." .. key] = { get = function()
        local mask = ev.thread[key]
        return mask and capability_words(mask)
    end }
end

for num, name in pairs({ [0] = "stdin", "stdout", "stderr" }) do
    local function standard_fd()
        local fds = ancestry.main_of(ev.thread).fds
        return fds and fds[num]
    end

    F["proc." .. name .. ".type"] = { get = function()
        local fd = standard_fd()
        return fd and fdtext.type(fd)
    end }
    F["proc." .. name .. ".name"] = { get = function()
        local fd = standard_fd()
        return fd and fd.name
    end }
end

return { fields = F }
