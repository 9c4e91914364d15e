-- Container events: the reader has told the container already; the event is shown as done by the container itself.
local containers = require("state.containers")
local decode = require("decode")
local ev = require("ev")
local threads = require("state.threads")

local handlers = {}

local function stand_in(id, container)
    local thread = threads.blank(-1, -1)
    thread.ptid, thread.vtid, thread.vpid = 0, -2, -2
    thread.comm, thread.exe = "container:" .. id, ""
    thread.fds, thread.main, thread.container, thread.known = {}, thread, container, true
    thread.cwd, thread.env, thread.fdlimit, thread.loginuid = "", "", -1, 0
    return thread
end

local function container_event()
    local id = (decode.str(0) or ""):match('"id"%s*:%s*"([^"]*)"')
    local container = id and containers.by_id[id]
    if not container then return end
    ev.thread = stand_in(id, container)
    ev.pid, ev.container = -1, container
end

handlers[272], handlers[324] = container_event, container_event

return handlers
