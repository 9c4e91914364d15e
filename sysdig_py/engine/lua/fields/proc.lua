-- Fields of the process behind the event, its parent and ancestors.
local dialect = require("dialect")
local ev = require("ev")
local memo = require("fields.memo")
local ancestry = require("fields.ancestry")
local threads = require("state.threads")

local F = {}

local IS_SCAP = dialect.paired

local main_of, parent = ancestry.main_of, ancestry.parent

local joined = memo.one(function(list)
    return (list:gsub("%z+$", ""):gsub("%z", " "))
end)

-- sysdig shows empty arguments at the end too
local joined_arguments = IS_SCAP and memo.one(function(list)
    return (list:sub(1, -2):gsub("%z", " "))
end) or joined

local command_line = memo.two(function(list, first)
    return list == "" and first or first .. " " .. joined_arguments(list)
end)

-- sysdig leaves the blank behind a program without arguments
local program_line = IS_SCAP and memo.two(function(list, first)
    return first .. " " .. joined_arguments(list)
end) or command_line

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
for _, name in ipairs({ "vmsize", "vmrss", "vmswap" }) do
    F["proc." .. name] = IS_SCAP and of_thread(name) or of_main(name)
end
F["proc.ppid"] = of_main("ptid")
F["proc.nchilds"] = IS_SCAP and of_thread("nchilds") or of_main("nchilds")
F["proc.nthreads"] = { get = function()
    local childs = main().nchilds
    return childs and childs + 1
end }

F["proc.args"] = { get = function()
    local args = ev.thread.args
    return args and joined_arguments(args)
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
F["proc.exeline"] = { get = function()
    local thread = ev.thread
    return thread.args and thread.exe and program_line(thread.args, thread.exe)
end }

F["proc.cwd"] = { get = function() return ev.thread.cwd end }

-- The parent of the process; sysdig shows that of the thread.
local function parent_of_event()
    if IS_SCAP then return threads.get(ev.thread.ptid or -1) end
    return parent(ev.thread)
end

F["proc.pname"] = { get = function()
    local found = parent_of_event()
    return found and found.comm
end }

F["proc.pcmdline"] = { get = function()
    local found = parent_of_event()
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
    return thread.comm ~= nil and thread.comm:sub(-2) == "sh"
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
    local start = (IS_SCAP and ev.thread or main()).start_ts
    if not start or start == 0 then return nil end
    return tonumber(ev.ts() - start)
end }

local function count_fds()
    if ev.thread.absent then return nil end
    local count = 0
    for _ in pairs(ev.thread.fds or {}) do count = count + 1 end
    return count
end

F["proc.fdopencount"] = { get = count_fds }
F["proc.fdlimit"] = { get = function() return ev.thread.fdlimit end }
F["proc.fdusage"] = { get = function()
    local limit = ev.thread.fdlimit
    if not limit then return nil end
    if limit <= 0 then return IS_SCAP and 0 or nil end
    return count_fds() * 100 / limit
end }

return {
    fields = F, joined = joined,
    command_line = function(thread) return line_of(thread, "comm") end,
    arguments = function(thread) return thread.args and joined(thread.args) end,
    environment = function(thread) return thread.env and joined(thread.env) end,
}
