-- Which events need not be looked at: those that no sink wants, no filter can accept and no state depends on. They are
-- counted, and where their thread must know of them its pairing is kept up; nothing else happens to them.
local bit = require("bit")
local ffi = require("ffi")
local con = require("control")
local dialect = require("dialect")
local event_info = require("event_info")
local filter_types = require("filter_types")
local parse = require("state.parse")
local record = require("record")
local record_sink = require("record_sink")
local sinks = require("sinks")

ffi.cdef [[
typedef struct {
    int32_t whole;       /* everything happens to the event, that is: it has no lane */
    /* all of these are masks: -1 or 0, but for ... */
    int32_t is_exit;     /* of the call that its thread entered last */
    int64_t knows;       /* its thread must be known */
    int64_t pairs;       /* its thread must know of it */
    int64_t stays;       /* it leaves the time and fd of the last enter event alone */
    int64_t has_fd;      /* its first parameter is an fd */
    int32_t keep_type, set_type;  /* the pairing's last type: what of it stays, what is added */
    int32_t needs_first; /* its first parameter must be there, with ... */
    int32_t first_size;  /* ... so many bytes */
    int32_t call_mask;   /* CALLS - 1: its first parameter is the system call, to be counted */
    int32_t call_base;   /* where that is counted */
    int32_t is_switch;   /* it carries the memory counters of its thread */
    int32_t is_io;       /* it may tell something of its fd */
    int32_t asks_fd;     /* it goes by with some fds only: is_io, or ... */
    int32_t fds;         /* ... with those of these types (a bit each; bit 0: with none); 0: with all */
    int32_t light;       /* LIGHT: it is delivered, without its thread and fd */
} sdpy_way;
]]

local M = { any = false } -- whether any type of events has a lane

local CODES = 512
local NOBODY_TYPE = -1
local SWITCH = 152
-- reads and writes: what they do to most fds is nothing
local IO = { [7] = true, [8] = true, [9] = true }

M.CALLS, M.CODES, M.LIGHT = 1024, CODES, 2
-- by event type; the rows of types without a lane have `whole` set
M.ways = ffi.new("sdpy_way[?]", CODES)
-- of the generic events of a system call, at code * CALLS + call: 0, LIGHT, or 1 when they have no lane; 0 for all that
-- are not generic
M.whole_calls = ffi.new("uint8_t[?]", 2 * M.CALLS + 1)
-- how many events went by in their lanes: by type, and the generic ones by system call as well; the last place is for
-- those that are not generic
M.counts, M.calls = ffi.new("double[?]", CODES), ffi.new("double[?]", 2 * M.CALLS + 1)

local control = con.control
-- event type -> whether the capture filter accepts the events that are not looked at
local accepted = {}
local is_stale = true

local NOT, LIGHTLY, WHOLLY = 0, 1, 2

-- How a sink wants its events.
local function weight_of(sink)
    if sink.counted then return sinks.only_count() and NOT or WHOLLY end
    return sink.is_light and sink.is_light() and filter_types.is_light(sink.filter) and LIGHTLY or WHOLLY
end

-- Of each kind of event, how the sinks want it when it is accepted, and in any case.
local function wanted_kinds(kinds)
    local wanted, wanted_always = {}, {}
    for i = 1, #kinds do wanted[i], wanted_always[i] = NOT, NOT end
    for _, sink in ipairs(sinks.list()) do
        local accepted_, weight = filter_types.accepted(sink.filter), weight_of(sink)
        for i = 1, #kinds do
            local sees = sink.on_event and (not accepted_ or accepted_[i])
            local always = sink.on_tick and not sink.quiet
            if sees or always then wanted[i] = math.max(wanted[i], weight) end
            if always or (sees and sink.needs_all) then wanted_always[i] = math.max(wanted_always[i], weight) end
        end
    end
    return wanted, wanted_always
end

-- Nothing is kept of the event but its number.
local function count_only(way)
    M.any = true
    way.whole, way.is_exit, way.knows, way.pairs, way.stays, way.has_fd = 0, 0, 0, 0, -1, 0
    way.keep_type, way.set_type, way.needs_first, way.first_size = -1, 0, 0, 0
    way.call_mask, way.call_base, way.is_switch, way.is_io = 0, 2 * M.CALLS, 0, 0
    way.light, way.asks_fd, way.fds = 0, 0, 0
end

-- Let events of a type that nobody has go by, and forget that they did.
local had_any

function M.open(code)
    had_any = M.any
    count_only(M.ways[code])
end

function M.close(code)
    M.ways[code].whole, M.counts[code] = 1, 0
    M.any = had_any
end

-- Its thread must know of it; `kept_type`: what it has as last event afterwards.
local function pair(way, info, kept_type)
    way.knows, way.pairs = -1, -1
    if info.is_exit then
        way.is_exit = -1
        if kept_type == NOBODY_TYPE then way.keep_type, way.set_type = 0, NOBODY_TYPE end
        return
    end
    way.stays, way.keep_type, way.set_type = 0, 0, kept_type
    if info.uses_fd then way.has_fd, way.needs_first, way.first_size = -1, -1, 8 end
end

-- Generic events are counted by their system call as well.
local function count_calls(way, code)
    way.needs_first, way.first_size = -1, 2
    way.call_mask, way.call_base = M.CALLS - 1, code * M.CALLS
end

-- Whether an event that nobody wants must be looked at all the same; `is_rejected`: by the capture filter, for sure.
local function changes_state(code, info, is_rejected)
    local handler = code ~= SWITCH and not IO[code] and parse.handlers[code]
    if not dialect.paired or (handler and (info.modifies or not is_rejected)) then return true end
    return info.second_fd or (info.creates and not info.kept)
end

-- Give a kind of events that nobody wants, or nobody wants wholly, its lane.
local function choose(kind, is_rejected, is_wanted)
    local code, info = kind.code, kind.info
    if info.is_container or changes_state(code, info, is_rejected) then return end
    local way = M.ways[code]
    accepted[code] = not is_rejected
    count_only(way)
    if info.kept then
        pair(way, info, (is_rejected and not info.modifies) and NOBODY_TYPE or code)
    end
    if IO[code] and parse.handlers[code] then way.is_io, way.asks_fd = 1, 1 end
    if code == SWITCH and not is_rejected then way.knows, way.is_switch = -1, 1 end
    if kind.call then
        count_calls(way, code)
        M.whole_calls[way.call_base + kind.call] = is_wanted and M.LIGHT or 0
    elseif is_wanted then
        way.knows, way.light = -1, M.LIGHT
    end
end

-- With what fds nobody wants the events of a kind: by the capture filter; where there is none, by all sinks.
local function unwanted_fds(kind, filter)
    if filter then return filter_types.rejected_fds(filter, kind) end
    local unwanted = -1
    for _, sink in ipairs(sinks.list()) do
        unwanted = bit.band(unwanted, filter_types.rejected_fds(sink.filter, kind))
    end
    return unwanted
end

-- Give a kind of events that somebody wants a lane for those with fds of types that nobody wants.
local function choose_by_fd(kind, filter)
    local info = kind.info
    if not (info.kept and info.uses_fd) or kind.call or changes_state(kind.code, info, filter ~= nil) then return end
    local unwanted = unwanted_fds(kind, filter)
    if unwanted == 0 then return end
    choose(kind, filter ~= nil, false)
    local way = M.ways[kind.code]
    way.asks_fd, way.fds = 1, unwanted
end

-- Limits count events one by one, and the trace writer takes them all.
local function takes_all()
    return record_sink.active or control.limit_ns > 0 or control.max_events > 0 or control.until_rel ~= 0
        or record.cur.until_ts ~= 0
end

local function is_plain(sink)
    return sink.is_plain and sink.is_plain() and filter_types.is_plain(sink.filter)
end

-- Whether those who want events lightly ask for next to nothing.
local function are_plain()
    for _, sink in ipairs(sinks.list()) do
        if weight_of(sink) == LIGHTLY and not is_plain(sink) then return false end
    end
    return true
end

local function configure()
    M.settle()
    is_stale = false
    record.cur.is_plain = are_plain() and 1 or 0
    if takes_all() then return end
    local filter = sinks.capture_filter()
    local kinds = filter_types.kinds()
    local wanted, wanted_always = wanted_kinds(kinds)
    local may_pass = filter_types.accepted(filter)
    for i, kind in ipairs(kinds) do
        local is_rejected = may_pass ~= nil and not may_pass[i]
        local weight = is_rejected and wanted_always[i] or wanted[i]
        if filter and not is_rejected then weight = WHOLLY end
        local has_room = kind.code < CODES
        if has_room and weight == WHOLLY and wanted_always[i] == NOT then
            choose_by_fd(kind, filter)
        elseif has_room and weight ~= WHOLLY and not (weight == LIGHTLY and kind.code == SWITCH) then
            choose(kind, is_rejected, weight == LIGHTLY)
        end
    end
end

-- Filter, sinks or limits changed: every event is looked at until `ready` is called.
function M.change()
    for code = 0, CODES - 1 do M.ways[code].whole = 1 end
    M.any = false
    ffi.fill(M.whole_calls, 2 * M.CALLS, 1)
    is_stale = true
end

-- Whether events of this type are looked at.
function M.is_whole(code)
    return M.ways[code].whole ~= 0
end

-- Before a walk.
function M.ready()
    if is_stale then configure() end
end

local function tell(code, count)
    if code > event_info.GENERIC_X then return sinks.count(code, count, nil) end
    for id = 0, M.CALLS - 1 do
        local at = code * M.CALLS + id
        if M.calls[at] > 0 then sinks.count(code, M.calls[at], id) end
    end
end

-- Hand over the counts of events that were not looked at.
function M.settle()
    for code, is_accepted in pairs(accepted) do
        local count = M.counts[code]
        if count > 0 then
            local key = is_accepted and "delivered" or "rejected"
            control[key] = control[key] + count
            if is_accepted then tell(code, count) end
            M.counts[code] = 0
        end
    end
    ffi.fill(M.calls, ffi.sizeof(M.calls))
end

M.change()

return M
