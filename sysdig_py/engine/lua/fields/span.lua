-- Fields of tracer events: the span that one begins or ends. And of all other events (evtin): the spans that run
-- meanwhile, looked for among those of the thread, of its process, of the process that started it, or all.
local ev = require("ev")
local spans = require("tracer.spans")
local evt_time = require("fields.evt_time")

local F = {}
local current = spans.current

-- Position from 0 in a list, from the end when negative; nil when `argument` is no number.
local function picked(list, argument)
    local n = tonumber(argument)
    return n and list[n >= 0 and n + 1 or #list + 1 + n]
end

local function named(names, values, argument)
    if tonumber(argument) then return picked(values, argument) end
    for i = 1, #names do
        if names[i] == argument then return values[i] end
    end
    return nil
end

-- what can be asked of an announcement; `argument` is what stands in brackets or behind the dot
local PARTS = {
    id = function(one) return one.id end,
    ntags = function(one) return #one.tags end,
    nargs = function(one) return #one.names end,
    tags = function(one) return table.concat(one.tags, ".") end,
    tag = function(one, argument) return picked(one.tags, argument) end,
    args = function(one) return spans.pairs_text(one.names, one.values, "=") end,
    arg = function(one, argument) return named(one.names, one.values, argument) end,
}
local CHOSEN = { tag = true, arg = true }

local function field(name, get)
    F["span." .. name] = get
end

-- Whether the tracer in hand has a span; the end of one that never began has none.
local function span_of_end()
    local tracer, span = current()
    return tracer and tracer.is_exit and span or nil
end

for part, read in pairs(PARTS) do
    -- the arguments of an end count only when it ends something
    local needs_span = part == "args" or part == "arg"
    local function get_with(argument)
        return function()
            local tracer, span = current()
            if not tracer or (needs_span and not span) then return nil end
            return read(tracer, argument)
        end
    end
    field(part, CHOSEN[part] and { make = function(argument) return { get = get_with(argument) } end }
        or { get = get_with(nil) })
end

local function of_span(read)
    return { get = function()
        local _, span = current()
        return span and read(span)
    end }
end

field("enterargs", of_span(function(span) return PARTS.args(span.announced) end))
field("enterarg", { make = function(argument)
    return of_span(function(span) return PARTS.arg(span.announced, argument) end)
end })
field("time", of_span(function(span) return evt_time.clock(span.seconds, span.ns) end))
field("rawtime", of_span(function(span) return ("%d%09d"):format(span.seconds, span.ns) end))

local function duration()
    local span = span_of_end()
    return span and ev.rel - span.rel
end

field("duration", { get = duration })
field("duration.human", { get = function()
    local ns = duration()
    return ns and evt_time.human(ns)
end })
field("duration.quantized", { get = function()
    local ns = duration()
    return ns and evt_time.quantized(ns)
end })

-- The parent of a span has all of its tags but the last.
field("rawparenttime", { get = function()
    local tracer, span = current()
    if not span or #tracer.tags < 2 then return nil end
    local tags = table.concat(tracer.tags, "\0", 1, #tracer.tags - 1)
    local found = spans.find(function(one) return table.concat(one.announced.tags, "\0") == tags end)
    return found and ("%d%09d"):format(found.seconds, found.ns)
end })

-- `compare(number of tags, N + 1)` on the end of a span
local function for_tag(compare, value)
    return { make = function(argument)
        local n = tonumber(argument)
        return { get = function() return n and value(compare, n + 1) end }
    end }
end

local function is_equal(a, b) return a == b end
local function is_more(a, b) return a > b end

local function one_or_none(compare, n)
    local tracer = current()
    if not tracer then return nil end
    return tracer.is_exit and compare(#tracer.tags, n) and 1 or 0
end

field("count", { get = function()
    local tracer = current()
    if not tracer then return nil end
    return tracer.is_exit and 1 or 0
end })
field("count.fortag", for_tag(is_equal, one_or_none))
field("childcount.fortag", for_tag(is_more, one_or_none))
field("duration.fortag", for_tag(is_equal, function(compare, n)
    local tracer = current()
    return tracer and compare(#tracer.tags, n) and duration() or nil
end))
field("idtag", { make = function(argument)
    return { get = function()
        local tracer, span = current()
        return span and ("%d%s"):format(tracer.id, picked(tracer.tags, argument) or "")
    end }
end })

-- --- events within spans ---

local SCOPES = {
    [""] = function(span) return span.tid == ev.thread.tid end,
    ["p."] = function(span) return span.pid == ev.thread.pid end,
    ["s."] = function(span) return span.pid == ev.thread.ptid end,
    ["m."] = function() return true end,
}

local function within(scope, part, argument)
    local read, is_in_scope = PARTS[part], SCOPES[scope]
    return {
        get = function()
            local found = spans.find(is_in_scope)
            return found and read(found.announced, argument)
        end,
        -- filters ask whether the comparison holds for any of them
        any = function(compare, constant)
            return spans.any(function(span)
                return is_in_scope(span) and compare(constant, read(span.announced, argument))
            end)
        end,
    }
end

for scope in pairs(SCOPES) do
    for part in pairs(PARTS) do
        F["evtin.span." .. scope .. part] = { make = function(argument) return within(scope, part, argument) end }
    end
end

return { fields = F }
