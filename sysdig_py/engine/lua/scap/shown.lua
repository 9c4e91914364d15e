-- What of the state a run can show. What nobody can see need not be kept.
local fields = require("fields.init")
local filter_types = require("filter_types")
local sinks = require("sinks")

local M = {}

-- part of the state -> what occurs in the names of fields that show it, and in scripts that get at it in other ways
local PARTS = {
    memory = { "vm", "pf", "thread_table" },
    latency = { "latency", "outputtime" },
    spans = { "span%.", "evtin%." },
    connected = { "connected" },
}

local function is_of(words, text)
    for _, word in ipairs(words) do
        if text:find(word) then return true end
    end
    return false
end

local function by_fields(words)
    for name in pairs(fields.used) do
        if is_of(words, name) then return true end
    end
    return false
end

-- Whether somebody may look at a part of the state: memory (the counters of threads), latency, spans, connected (of
-- sockets). Those without sinks are after all of it.
function M.part(name)
    local words, list = PARTS[name], sinks.list()
    for _, sink in ipairs(list) do
        if not sink.mentions or sink.mentions(function(text) return is_of(words, text) end) then return true end
    end
    return #list == 0 or by_fields(words)
end

-- Whether somebody may see more of an event than that there was one of its type.
function M.anything()
    return #sinks.list() == 0 or sinks.capture_filter() ~= nil or not sinks.only_count()
end

-- Whether it matters to somebody that a write is one that announces a span.
function M.tracers()
    if M.part("spans") then return true end
    local may_be_tracer, filter = filter_types.may_be_tracer, sinks.capture_filter()
    for _, sink in ipairs(sinks.list()) do
        local sees = sink.on_event and may_be_tracer(sink.filter)
        if sees and (sink.needs_all or may_be_tracer(filter)) then return true end
    end
    return false
end

return M
