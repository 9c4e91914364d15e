-- Container events: the reader has told the container already; the event is shown as done by the container itself.
local containers = require("state.containers")
local decode = require("decode")
local ev = require("ev")
local memo = require("fields.memo")
local threads = require("state.threads")

local handlers = {}

local stand_ins = setmetatable({}, { __mode = "k" })

local function stand_in(id, container)
    local known = stand_ins[container]
    if known then return known end
    local thread = threads.blank(-1, -1)
    thread.ptid, thread.vtid, thread.vpid = 0, -2, -2
    thread.comm, thread.exe = "container:" .. id, ""
    thread.fds, thread.main, thread.container, thread.known = {}, thread, container, true
    thread.cwd, thread.env, thread.fdlimit, thread.loginuid = "", "", -1, 0
    stand_ins[container] = thread
    return thread
end

local id_of = memo.one(function(text)
    return text:match('"id"%s*:%s*"([^"]*)"') or ""
end)

local function container_event()
    local id = id_of(decode.str(0) or "")
    local container = containers.by_id[id]
    if not container then return end
    ev.thread = stand_in(id, container)
    ev.pid, ev.container = -1, container
end

handlers[272], handlers[324] = container_event, container_event

return handlers
