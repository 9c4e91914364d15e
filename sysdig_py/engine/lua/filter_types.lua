-- Which event types a filter can accept at all: a compiled filter comes with a second predicate, which asks about the
-- type alone and answers true where that does not decide, and perhaps with a third, which asks about the type of the
-- event's fd as well.
local bit = require("bit")
local ev = require("ev")
local event_info = require("event_info")
local light = require("fields.light")
local schema = require("schema_data")
local spans = require("tracer.spans")

local M = {}

-- the highest number of an fd type (schema/state.py), less than the bits of a mask
local FD_TYPES = 30

local function about_predicates()
    return setmetatable({}, { __mode = "k" })
end
local may_of, may_with_fd = about_predicates(), about_predicates()
local levels = about_predicates()

-- Run a filter's chunk; returns its predicate.
function M.instantiate(chunk, runtime)
    local accepts, may, with_fd, names = chunk(runtime)
    may_of[accepts], may_with_fd[accepts] = may, with_fd
    levels[accepts] = names and light.PLAIN or light.WHOLE
    for _, name in ipairs(names or {}) do levels[accepts] = math.max(levels[accepts], light.level(name)) end
    return accepts
end

local kinds

local function add(code, info, name, call)
    kinds[#kinds + 1] = { code = code, info = info, name = name, call = call }
end

-- Kinds of events: what a predicate can tell apart by type. Generic events have the name of their system call.
function M.kinds()
    if kinds then return kinds end
    kinds = {}
    for code, info in pairs(event_info.events) do
        if code > event_info.GENERIC_X then
            add(code, info, info.name)
        else
            for call, name in pairs(schema.syscall_names) do add(code, info, name, call) end
        end
    end
    return kinds
end

local function pretend(kind, fd)
    local info = kind.info
    ev.type, ev.info, ev.is_exit, ev.name, ev.res, ev.fd = kind.code, info, info.is_exit, kind.name, nil, fd
end

-- Run `ask` and leave `ev` as it was.
local function beside_the_event(ask)
    local type, info, is_exit, name, res, fd = ev.type, ev.info, ev.is_exit, ev.name, ev.res, ev.fd
    local answer = ask()
    ev.type, ev.info, ev.is_exit, ev.name, ev.res, ev.fd = type, info, is_exit, name, res, fd
    return answer
end

-- For each of `kinds`, whether the predicate may accept such events; nil when all that is known is "perhaps".
function M.accepted(predicate)
    local may = predicate and may_of[predicate]
    if not may then return nil end
    return beside_the_event(function()
        local accepted = {}
        for i, kind in ipairs(M.kinds()) do
            pretend(kind, nil)
            accepted[i] = may()
        end
        return accepted
    end)
end

-- Whether the predicate may accept a write that announces a span, which then is no write any more.
function M.may_be_tracer(predicate)
    local may = predicate and may_of[predicate]
    if not may then return true end
    return beside_the_event(function()
        for is_exit, code in pairs(spans.CODES) do
            pretend({ code = code, info = spans.info, name = spans.NAME }, nil)
            ev.is_exit = is_exit
            if may() then return true end
        end
        return false
    end)
end

-- Which events of a kind the predicate cannot accept: a bit for each type of their fd; bit 0: they have none.
function M.rejected_fds(predicate, kind)
    local may = predicate and may_with_fd[predicate]
    if not may then return 0 end
    return beside_the_event(function()
        local rejected = 0
        for type = 0, FD_TYPES do
            pretend(kind, type > 0 and { type = type } or nil)
            if not may() then rejected = bit.bor(rejected, bit.lshift(1, type)) end
        end
        return rejected
    end)
end

-- How much of an event a predicate asks for; see `fields.light`.
function M.level(predicate)
    if not predicate then return light.PLAIN end
    return levels[predicate] or light.WHOLE
end

-- Whether the type of an event decides whether the predicate accepts it.
function M.is_decided(predicate)
    return not predicate or may_of[predicate] == predicate
end

return M
