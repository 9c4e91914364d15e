-- Fields of the thread behind the event: ids, page faults, CPU time, cgroups.
local ffi = require("ffi")
local dialect = require("dialect")
local ev = require("ev")
local decode = require("decode")
local memo = require("fields.memo")
local proc = require("fields.proc")
local ancestry = require("fields.ancestry")

local F = {}

local function of_thread(key)
    return { get = function() return ev.thread[key] end }
end

F["thread.tid"] = { get = function() return ev.tid end }
F["thread.ismain"] = { get = function()
    if ev.thread.absent then return nil end
    return ev.thread.tid == ev.pid
end }
F["thread.pfmajor"] = of_thread("pfmajor")
F["thread.pfminor"] = of_thread("pfminor")

local function virtual(key)
    return { get = function()
        local id = ev.thread[key]
        return id ~= -1 and id or nil
    end }
end

F["thread.vtid"] = virtual("vtid")
F["proc.vpid"] = virtual("vpid")

local name_and_tid = memo.two(function(comm, tid)
    return comm .. ("%d"):format(tid)
end)

F["thread.nametid"] = { get = function()
    local comm = ev.thread.comm
    return comm and name_and_tid(comm, ev.tid)
end }

local function main_memory(key, unit)
    return { get = function()
        if ev.thread.absent then return nil end
        if ev.tid ~= ev.pid then return 0 end
        local kilobytes = ancestry.main_of(ev.thread)[key]
        return kilobytes and kilobytes * unit
    end }
end

F["thread.vmsize"] = main_memory("vmsize", 1)
F["thread.vmrss"] = main_memory("vmrss", 1)
F["thread.vmsize.b"] = main_memory("vmsize", 1024)
F["thread.vmrss.b"] = main_memory("vmrss", 1024)

local OTHER_NAMES = { perf = "perf_event", mem = "memory", io = "blkio" }

-- The names of cgroups differ with the way a trace was made; sysdig shows one name for each.
local function same_names(cgroups)
    return (("\0" .. cgroups):gsub("%z([^%z=]+)=", function(name)
        name = name:gsub("_cgroup", "")
        return "\0" .. (OTHER_NAMES[name] or name) .. "="
    end):sub(2))
end

local named = dialect.paired and memo.one(same_names) or function(cgroups) return cgroups end

F["thread.cgroups"] = { get = function()
    local cgroups = ev.thread.cgroups
    if not cgroups or cgroups == "" then return nil end
    return proc.joined(named(cgroups))
end }

local one_cgroup = memo.two(function(cgroups, subsystem)
    for entry in cgroups:gmatch("[^%z]+") do
        local name, path = entry:match("^([^=]*)=(.*)$")
        if name == subsystem then return path end
    end
    return false
end)

F["thread.cgroup"] = { make = function(subsystem)
    return { get = function()
        local cgroups = ev.thread.cgroups
        return cgroups and one_cgroup(named(cgroups), subsystem) or nil
    end }
end }

-- ns since the last switch on this CPU that this instance has seen; 0 for other events and the first time.
local function ran_for()
    local last = {}
    return function()
        if ev.info.name ~= "switch" then return 0 end
        local before = last[ev.cpu]
        if not before then
            before = ffi.new("int64_t[1]")
            last[ev.cpu] = before
        end
        local now, then_ = ev.ts(), before[0]
        before[0] = now
        return then_ == 0 and 0 or tonumber(now - then_)
    end
end

F["thread.exectime"] = { make = function() return { get = ran_for() } end }

F["thread.totexectime"] = { make = function()
    local run, total = ran_for(), setmetatable({}, { __mode = "k" })
    return { get = function()
        local ran = run()
        if ev.thread.absent then return nil end
        local sum = (total[ev.thread] or 0) + ran
        total[ev.thread] = sum
        return sum
    end }
end }

local FULL = 100

-- Growth of a thread's CPU share since this instance last saw a procinfo event of it.
local function share(read)
    return { make = function()
        local last = setmetatable({}, { __mode = "k" })
        return { get = function()
            if ev.info.name ~= "procinfo" then return nil end
            local now, before = read(), last[ev.thread]
            last[ev.thread] = now
            return before and math.min(now - before, FULL) or 0
        end }
    end }
end

local function cpu_user()
    return decode.num(0) or 0
end

local function cpu_system()
    return decode.num(1) or 0
end

F["thread.cpu"] = share(function() return cpu_user() + cpu_system() end)
F["thread.cpu.user"] = share(cpu_user)
F["thread.cpu.system"] = share(cpu_system)

return { fields = F }
