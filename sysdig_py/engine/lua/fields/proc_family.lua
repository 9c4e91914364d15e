-- Fields about the relatives of a process: parent, ancestors, session leader, leader of the process group.
local ev = require("ev")
local ancestry = require("fields.ancestry")
local proc = require("fields.proc")
local threads = require("state.threads")

local F = {}

local main_of, parent, known = ancestry.main_of, ancestry.parent, ancestry.known

-- Add fields PREFIX.NAME for what `find` returns.
local function add(prefix, find, keys)
    for suffix, key in pairs(keys) do
        F[prefix .. suffix] = { get = function()
            local thread = find()
            return thread and known(thread[key])
        end }
    end
end

add("proc.p", function() return parent(ev.thread) end, { exe = "exe", exepath = "exepath", vpid = "vpid" })

local function session_leader()
    return threads.get(ev.thread.sid)
end

add("proc.sid.", session_leader, { exe = "exe", exepath = "exepath" })

-- The leader of the process group, as long as it is the group of the process that the thread table knows.
local function group_leader()
    return threads.get(ev.thread.pgid)
end

-- Ids inside a pid namespace name a process of the same container.
local function inner_group_leader()
    local thread = ev.thread
    local found = threads.get(thread.vpgid)
    if found and thread.vpid == thread.pid then return found end
    for _ = 1, ancestry.LIMIT do
        if not thread then return nil end
        if thread.vpid == ev.thread.vpgid then return main_of(thread) end
        thread = parent(thread)
    end
    return nil
end

local LEADER = { name = "comm", exe = "exe", exepath = "exepath" }

add("proc.pgid.", group_leader, LEADER)
add("proc.vpgid.", inner_group_leader, LEADER)

F["proc.pgid"] = { get = function()
    local pgid = ev.thread.pgid
    return pgid ~= -1 and pgid or nil
end }

local function is_same(a, b)
    return { get = function()
        local thread = ev.thread
        local left, right = thread[a], thread[b]
        if left == nil or left == -1 then return nil end
        return left == right
    end }
end

F["proc.is_sid_leader"] = is_same("sid", "vpid")
F["proc.is_vpgid_leader"] = is_same("vpgid", "vpid")
F["proc.is_pgid_leader"] = is_same("pgid", "pid")

local function start_of(thread)
    local start = thread and main_of(thread).start_ts
    return start and start ~= 0 and start or nil
end

local function start_field(find)
    return { get = function()
        local start = start_of(find())
        return start and tonumber(start)
    end }
end

F["proc.pid.ts"] = start_field(function() return ev.thread end)
F["proc.ppid.ts"] = start_field(function() return parent(ev.thread) end)
F["proc.ppid.duration"] = { get = function()
    local start = start_of(parent(ev.thread))
    return start and tonumber(ev.ts() - start)
end }

-- Values of ancestors, by number; 0 is the process.
local function of_ancestor(read)
    return { make = function(argument)
        local n = tonumber(argument or 0)
        if not n or n < 0 or n % 1 ~= 0 then return nil end
        return { get = function()
            local found = ancestry.ancestor(n)
            return found and read(found)
        end }
    end }
end

F["proc.aexe"] = of_ancestor(function(thread) return known(thread.exe) end)
F["proc.aexepath"] = of_ancestor(function(thread) return known(thread.exepath) end)
F["proc.acmdline"] = of_ancestor(proc.command_line)
F["proc.aargs"] = of_ancestor(proc.arguments)

local by_number = of_ancestor(proc.environment)

-- Value of a variable in a NUL-separated environment.
local function variable(env, name)
    local _, stop = ("\0" .. env):find("\0" .. name .. "=", 1, true)
    return stop and env:match("^%Z*", stop)
end

F["proc.aenv"] = { make = function(argument)
    if argument == nil or tonumber(argument) then return by_number.make(argument) end
    return { get = function()
        local env = ev.thread.env
        return env and variable(env, argument)
    end }
end }

return { fields = F }
