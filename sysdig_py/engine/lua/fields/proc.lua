-- Fields of the process behind the event, its parent and ancestors.
local ev = require("ev")
local memo = require("fields.memo")
local ancestry = require("fields.ancestry")
local threads = require("state.threads")

local F = {}

local main_of, parent = ancestry.main_of, ancestry.parent

local joined = memo.one(function(list)
    return (list:gsub("%z+$", ""):gsub("%z", " "))
end)

local command_line = memo.two(function(list, first)
    return list == "" and first or first .. " " .. joined(list)
end)

-- The process of the event.
local function main()
    return main_of(ev.thread)
end

local function of_thread(key)
    return { get = function() return ev.thread[key] end }
end

local function of_main(key)
    return { get = function() return main()[key] end }
end

F["proc.pid"] = { get = function() return ev.pid end }
F["proc.name"] = of_thread("comm")
F["proc.exe"] = of_thread("exe")
F["proc.exepath"] = of_thread("exepath")
F["proc.sid"] = of_thread("sid")
F["proc.vpgid"] = of_thread("vpgid")
F["proc.tty"] = of_thread("tty")
F["proc.vmsize"] = of_main("vmsize")
F["proc.vmrss"] = of_main("vmrss")
F["proc.vmswap"] = of_main("vmswap")
F["proc.ppid"] = of_main("ptid")
F["proc.nchilds"] = of_main("nchilds")
F["proc.nthreads"] = { get = function()
    local childs = main().nchilds
    return childs and childs + 1
end }

F["proc.args"] = { get = function()
    local args = ev.thread.args
    return args and joined(args)
end }

F["proc.env"] = { get = function()
    local env = ev.thread.env
    return env and joined(env)
end }

local function line_of(thread, key)
    local args, first = thread.args, thread[key]
    return args and first and command_line(args, first)
end

F["proc.cmdline"] = { get = function() return line_of(ev.thread, "comm") end }
F["proc.exeline"] = { get = function() return line_of(ev.thread, "exe") end }

F["proc.cwd"] = { get = function() return ev.thread.cwd end }

F["proc.pname"] = { get = function()
    local found = parent(ev.thread)
    return found and found.comm
end }

F["proc.pcmdline"] = { get = function()
    local found = parent(ev.thread)
    return found and line_of(found, "comm")
end }

local function of_ancestor(key)
    return { make = function(argument)
        local n = tonumber(argument or 0)
        if not n or n < 0 or n % 1 ~= 0 then return nil end
        return { get = function()
            local found = ancestry.ancestor(n)
            return found and found[key]
        end }
    end }
end

F["proc.apid"] = of_ancestor("pid")
F["proc.aname"] = of_ancestor("comm")

local function is_shell(thread)
    return thread.comm:sub(-2) == "sh"
end

F["proc.loginshellid"] = { get = function()
    local shell = ancestry.eldest(is_shell)
    return shell and shell.pid
end }

F["proc.sname"] = { get = function()
    local sid = ev.thread.sid
    local leader = sid and threads.get(sid)
    leader = leader or ancestry.eldest(function(thread) return thread.sid == sid end)
    return leader and leader.comm
end }

F["proc.duration"] = { get = function()
    local start = main().start_ts
    if not start or start == 0 then return nil end
    return tonumber(ev.ts() - start)
end }

local function count_fds()
    local count = 0
    for _ in pairs(ev.thread.fds or {}) do count = count + 1 end
    return count
end

F["proc.fdopencount"] = { get = count_fds }
F["proc.fdlimit"] = { get = function() return ev.thread.fdlimit end }
F["proc.fdusage"] = { get = function()
    local limit = ev.thread.fdlimit
    if not limit or limit <= 0 then return nil end
    return count_fds() * 100 / limit
end }

return { fields = F, joined = joined }
