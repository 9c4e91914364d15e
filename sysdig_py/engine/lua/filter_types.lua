-- Which event types a filter can accept at all: a compiled filter comes with a second predicate, which asks about the
-- type alone and answers true where that does not decide.
local ev = require("ev")
local event_info = require("event_info")
local light = require("fields.light")
local schema = require("schema_data")

local M = {}

local function about_predicates()
    return setmetatable({}, { __mode = "k" })
end
local may_of, is_light, is_plain = about_predicates(), about_predicates(), about_predicates()

-- Run a filter's chunk; returns its predicate.
function M.instantiate(chunk, runtime)
    local accepts, may, names = chunk(runtime)
    may_of[accepts], is_light[accepts], is_plain[accepts] = may, names ~= nil, names ~= nil
    for _, name in ipairs(names or {}) do
        is_light[accepts] = is_light[accepts] and light.is(name)
        is_plain[accepts] = is_plain[accepts] and light.is_plain(name)
    end
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

local function ask(may)
    local accepted = {}
    for i, kind in ipairs(M.kinds()) do
        local info = kind.info
        ev.type, ev.info, ev.is_exit, ev.name = kind.code, info, info.is_exit, kind.name
        accepted[i] = may()
    end
    return accepted
end

-- For each of `kinds`, whether the predicate may accept such events; nil when all that is known is "perhaps".
function M.accepted(predicate)
    local may = predicate and may_of[predicate]
    if not may then return nil end
    local type, info, is_exit, name = ev.type, ev.info, ev.is_exit, ev.name
    local accepted = ask(may)
    ev.type, ev.info, ev.is_exit, ev.name = type, info, is_exit, name
    return accepted
end

-- Whether all that a predicate asks is answered by the event itself; so is what no predicate asks.
function M.is_light(predicate)
    return not predicate or is_light[predicate] or false
end

-- Whether next to nothing of the event answers it; see `fields.light`.
function M.is_plain(predicate)
    return not predicate or is_plain[predicate] or false
end

-- Whether the type of an event decides whether the predicate accepts it.
function M.is_decided(predicate)
    return not predicate or may_of[predicate] == predicate
end

return M
