-- What is written beside the packets: who is behind them, and the interface, which is the container they were seen in.
local blocks = require("pcapng.blocks")
local ev = require("ev")
local json = require("json")
local proc = require("fields.proc")
local render = require("render")
local users = require("state.users")

local M = { interfaces = {} }

local LONGEST = 1000 -- bytes of a comment; command lines can be very long

local function text(value)
    return json.well_formed(render.clean(value):sub(1, LONGEST))
end

local function known(value)
    return value and value ~= "" and value ~= "<NA>"
end

local function container_name(container)
    if not container then return "host" end
    return known(container.name) and container.name or container.id
end

-- Process, pid and container of the current event.
local function describe(thread, container)
    return text(("%s (pid %d) in %s"):format(thread.comm, ev.pid, container_name(container)))
end

local short = {}

-- The comment of a packet; the same text as long as nothing about the process changes.
function M.short()
    local thread, container = ev.thread, ev.container
    local before = short[thread]
    local name = container and container.name
    if before and before.comm == thread.comm and before.name == name then return before.text end
    local made = { comm = thread.comm, name = name, text = describe(thread, container) }
    short[thread] = made
    return made.text
end
setmetatable(short, { __mode = "k" })

-- The comment of the first packet of a conversation: everything that is known of the process.
function M.long()
    local thread, container = ev.thread, ev.container
    local user = users.by_uid[thread.uid]
    local parts = { M.short() }
    if thread.vpid and thread.vpid > 0 and thread.vpid ~= ev.pid then
        parts[#parts + 1] = ("pid %d inside"):format(thread.vpid)
    end
    if known(user and user.name) then parts[#parts + 1] = "user " .. user.name end
    if container then
        parts[#parts + 1] = ("%s container %s"):format(container.type, container.id)
        if known(container.image) then parts[#parts + 1] = "image " .. container.image end
    end
    local line = proc.command_line(thread)
    if known(line) then parts[#parts + 1] = "command " .. line end
    return text(table.concat(parts, ", "))
end

local function made(container)
    if not container then return blocks.interface("host", "processes outside of containers") end
    local image = known(container.image) and ", image " .. container.image or ""
    return blocks.interface(text(container_name(container)), text(("%s container %s%s"):format(container.type,
        container.id, image)))
end

-- Number of the interface that stands for the container of the current event.
function M.interface()
    local key = ev.container or false
    local number = M.interfaces[key]
    if not number then
        number = made(ev.container)
        M.interfaces[key] = number
    end
    return number
end

return M
