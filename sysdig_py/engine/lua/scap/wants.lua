-- Who wants which kinds of events, and how: filters and sinks asked in advance.
local bit = require("bit")
local con = require("control")
local filter_types = require("filter_types")
local light = require("fields.light")
local record = require("record")
local record_sink = require("record_sink")
local sinks = require("sinks")

-- not at all, without thread and fd, with both as they stand, with all there is to an event
local M = { NOT = 0, LIGHTLY = 1, NEARLY = 2, WHOLLY = 3 }

local control = con.control
local NOT, LIGHTLY, NEARLY, WHOLLY = M.NOT, M.LIGHTLY, M.NEARLY, M.WHOLLY

-- How much of its events a sink asks for.
local function level_of(sink)
    return math.max(sink.level and sink.level() or light.WHOLE, filter_types.level(sink.filter))
end

-- How a sink wants its events.
local function weight_of(sink)
    if sink.counted then return sinks.only_count() and NOT or WHOLLY end
    local level = level_of(sink)
    return level <= light.LIGHT and LIGHTLY or level == light.NEAR and NEARLY or WHOLLY
end

-- Of each kind of event, how the sinks want it when it is accepted, and in any case.
local function wanted_kinds(kinds)
    local wanted, wanted_always = {}, {}
    for i = 1, #kinds do wanted[i], wanted_always[i] = NOT, NOT end
    for _, sink in ipairs(sinks.list()) do
        local accepted, weight = filter_types.accepted(sink.filter), weight_of(sink)
        for i = 1, #kinds do
            local sees = sink.on_event and (not accepted or accepted[i])
            local always = sink.on_tick and not sink.quiet
            if sees or always then wanted[i] = math.max(wanted[i], weight) end
            if always or (sees and sink.needs_all) then wanted_always[i] = math.max(wanted_always[i], weight) end
        end
    end
    return wanted, wanted_always
end

-- For each kind of events: { kind, weight, is_rejected (by the capture filter, for sure), by_fd (its fd may tell that
-- nobody wants an event) }.
function M.all()
    local kinds, filter = filter_types.kinds(), sinks.capture_filter()
    local wanted, wanted_always = wanted_kinds(kinds)
    local may_pass = filter_types.accepted(filter)
    local all = {}
    for i, kind in ipairs(kinds) do
        local is_rejected = may_pass ~= nil and not may_pass[i]
        local weight = is_rejected and wanted_always[i] or wanted[i]
        if filter and not is_rejected then weight = WHOLLY end
        all[i] = {
            kind = kind, weight = weight, is_rejected = is_rejected,
            by_fd = weight >= NEARLY and wanted_always[i] == NOT,
        }
    end
    return all
end

-- With what fds nobody wants the events of a kind (see `filter_types.rejected_fds`): by the capture filter; where there
-- is none, by all sinks.
function M.unwanted_fds(kind)
    local filter = sinks.capture_filter()
    if filter then return filter_types.rejected_fds(filter, kind) end
    local unwanted = -1
    for _, sink in ipairs(sinks.list()) do
        unwanted = bit.band(unwanted, filter_types.rejected_fds(sink.filter, kind))
    end
    return unwanted
end

-- Limits count events one by one, and the trace writer takes them all.
function M.every_event()
    return record_sink.active or control.limit_ns > 0 or control.max_events > 0 or control.until_rel ~= 0
        or record.cur.until_ts ~= 0
end

-- Whether those who want events lightly ask for next to nothing.
function M.are_plain()
    for _, sink in ipairs(sinks.list()) do
        if weight_of(sink) == LIGHTLY and level_of(sink) > light.PLAIN then return false end
    end
    return true
end

return M
