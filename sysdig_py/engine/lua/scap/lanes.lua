-- Which events need not be looked at: those that no sink wants, no filter can accept and no state depends on. They are
-- counted, and where their thread must know of them its pairing is kept up; nothing else happens to them.
local ffi = require("ffi")
local closing = require("scap.closing")
local con = require("control")
local dialect = require("dialect")
local event_info = require("event_info")
local fixed = require("fixed")
local parse = require("state.parse")
local record = require("record")
local shown = require("scap.shown")
local sinks = require("sinks")
local wants = require("scap.wants")

ffi.cdef [[
typedef struct {
    int32_t whole;       /* everything happens to the event, that is: it has no lane */
    int32_t is_easy;     /* it goes by, whatever it holds */
    /* all of these are masks: -1 or 0, but for ... */
    int64_t knows;       /* its thread must be known */
    int64_t pairs;       /* its thread must know of it */
    int64_t stays;       /* it leaves the time and fd of the last enter event alone */
    int64_t has_fd;      /* its first parameter is an fd */
    int32_t keep_type, set_type;  /* the pairing's last type: what of it stays, what is added */
    int32_t needs_first; /* its first parameter must be there, with ... */
    int32_t first_size;  /* ... so many bytes */
    int32_t call_mask;   /* CALLS - 1: its first parameter is the system call, to be counted */
    int32_t place;       /* where that is counted, or the event */
    /* of those that are not easy */
    int32_t is_switch;   /* it carries the memory counters of its thread */
    int32_t is_io;       /* it may tell something of its fd */
    int32_t asks_fd;     /* thread and fd decide what happens to it: is_io, or ... */
    int32_t fds;         /* ... it goes by with those of these types (a bit each; bit 0: with none); -1: with all */
    int32_t near;        /* NEAR: with others it is delivered, with its thread and fd */
    int32_t closes;      /* it begins or ends a close */
    int32_t asks_data;   /* it goes by unless it may announce a span */
} sdpy_way;
typedef struct {
    int32_t pairs;       /* threads must know of some of the events that go by */
    int32_t times;       /* and when these were */
} sdpy_keeping;
]]

-- `any`: whether any type of events has a lane; `is_blind`: no state is kept at all, every event is only counted;
-- `may_be_blind`: the source can be begun again should that turn out to be wrong
local M = { any = false, is_blind = false, may_be_blind = false }

local CODES = 512
local NOBODY_TYPE = -1
local SWITCH = 152
-- reads and writes: what they do to most fds is nothing
local READ_X, WRITE_E, WRITE_X = 7, 8, 9
local IO = { [READ_X] = true, [WRITE_E] = true, [WRITE_X] = true }
local CLOSES = { [closing.ENTER] = true, [closing.EXIT] = true }
-- calls that change nothing but the memory counters of their process
local MEMORY = { brk = true, mmap = true, mmap2 = true, munmap = true }

M.CALLS, M.CODES, M.WHOLE, M.LIGHT, M.NEAR = 1024, CODES, 1, 2, 4
-- container events, which are for the reader
M.CONTAINERS = { [228] = true, [272] = true, [324] = true }
-- by event type; the rows of types without a lane have `whole` set
M.ways = fixed("sdpy_way", CODES)
-- Places of what is counted: the generic events of a system call at code * CALLS + call, others behind them by type.
-- How an event is wanted: 0 not at all, WHOLE or LIGHT (it is delivered, without its thread and fd).
M.PLACES = 2 * M.CALLS + CODES
M.weights = fixed("uint8_t", M.PLACES)
-- how many events went by in their lanes
M.counts = fixed("double", M.PLACES)
-- what is kept of events that go by
M.keeping = ffi.new("sdpy_keeping")

local control, keeping = con.control, M.keeping
-- event type -> whether the capture filter accepts the events that are not looked at
local accepted = {}
local is_stale = false

-- Nothing is kept of the event but its number.
local function count_only(way, code)
    M.any = true
    ffi.fill(way, ffi.sizeof("sdpy_way"))
    way.is_easy, way.stays, way.keep_type, way.place, way.fds = 1, -1, -1, 2 * M.CALLS + code, -1
    M.weights[way.place] = 0
end

-- Let events of a type that nobody has go by, and forget that they did.
local had_any

function M.open(code)
    had_any = M.any
    count_only(M.ways + code, code)
end

function M.close(code)
    M.counts[M.ways[code].place] = 0
    M.ways[code].whole, M.ways[code].is_easy = 1, 0
    M.any = had_any
end

-- Its thread must know of it; `kept_type`: what it has as last event afterwards.
local function pair(way, info, kept_type)
    keeping.pairs = 1
    way.knows, way.pairs = -1, -1
    if info.is_exit then
        if kept_type == NOBODY_TYPE then way.keep_type, way.set_type = 0, NOBODY_TYPE end
        return
    end
    way.stays, way.keep_type, way.set_type = 0, 0, kept_type
    if info.uses_fd then way.has_fd, way.needs_first, way.first_size = -1, -1, 8 end
end

-- Generic events are counted by their system call.
local function count_calls(way, code)
    way.needs_first, way.first_size = -1, 2
    way.call_mask, way.place = M.CALLS - 1, code * M.CALLS
end

-- What somebody can see of what events do: filled when lanes are chosen.
local sees = { memory = true, connected = true, tracers = true }

local function look_around(all)
    sees.memory, sees.connected, sees.tracers = shown.part("memory"), shown.part("connected"), shown.tracers()
    for _, want in ipairs(all) do
        -- after an announcement writes to the same fd are not shown
        if IO[want.kind.code] and not want.kind.info.is_exit and want.weight ~= wants.NOT then sees.tracers = true end
    end
    keeping.pairs, keeping.times = 0, shown.part("latency") and 1 or 0
    record.cur.is_timeless = 1 - keeping.times
end

-- Whether what a read or write does to its fd matters.
local function touches_fd(code)
    if not parse.handlers[code] then return false end
    return (code ~= WRITE_E and sees.connected) or (code ~= READ_X and sees.tracers)
end

local function handler_of(code, info)
    if code == SWITCH or IO[code] or CLOSES[code] or (MEMORY[info.name] and not sees.memory) then return nil end
    return parse.handlers[code]
end

-- Whether an event that nobody wants must be looked at all the same; `is_rejected`: by the capture filter, for sure.
local function changes_state(code, info, is_rejected)
    local handler = handler_of(code, info)
    if not dialect.paired or (handler and (info.modifies or not is_rejected)) then return true end
    return info.second_fd or (info.creates and not info.kept)
end

-- What must be known of an event before it goes by.
local function ask(way, code, is_rejected)
    if CLOSES[code] then way.is_easy, way.closes = 0, 1 end
    if IO[code] and touches_fd(code) then way.is_easy, way.is_io, way.asks_fd = 0, 1, 1 end
    if code == SWITCH and not is_rejected and sees.memory then way.is_easy, way.is_switch = 0, 1 end
end

-- Give a kind of events that nobody wants, or nobody wants wholly, its lane.
local function choose(kind, is_rejected, is_wanted)
    local code, info = kind.code, kind.info
    if M.CONTAINERS[code] or changes_state(code, info, is_rejected) then return nil end
    local way = M.ways + code
    accepted[code] = not is_rejected
    count_only(way, code)
    if info.kept then
        pair(way, info, (is_rejected and not info.modifies) and NOBODY_TYPE or code)
    end
    ask(way, code, is_rejected)
    if kind.call then count_calls(way, code) end
    if is_wanted and not kind.call then way.knows, keeping.pairs = -1, 1 end
    M.weights[way.place + (kind.call or 0)] = is_wanted and M.LIGHT or 0
    return way
end

-- Give a kind of events that somebody wants a lane for those with fds of types that nobody wants, and when all ask for
-- no more than thread and fd as they stand (`is_near`), for all of which these are known.
local function choose_by_fd(kind, is_filtered, is_near)
    local info, code = kind.info, kind.code
    if not (info.kept and (info.uses_fd or is_near)) or kind.call then return end
    if changes_state(code, info, is_filtered) then return end
    local unwanted = info.uses_fd and wants.unwanted_fds(kind) or 0
    local way = (unwanted ~= 0 or is_near) and choose(kind, is_filtered, false)
    if not way then return end
    way.is_easy, way.asks_fd, way.fds, way.near = 0, 1, unwanted, is_near and M.NEAR or 0
    -- one that announces a span is no write
    if is_near and IO[code] and parse.handlers[code] then way.is_io = 1 end
end

-- Have every event counted and nothing else. Only a write that announces a span is more than a write.
local function count_everything(all)
    M.is_blind = true
    ffi.fill(keeping, ffi.sizeof(keeping))
    for _, want in ipairs(all) do
        local kind = want.kind
        local code, way = kind.code, M.ways + kind.code
        if code < CODES then accepted[code] = true end
        if code < CODES and not M.CONTAINERS[code] then
            count_only(way, code)
            if code == WRITE_X then way.is_easy, way.asks_data = 0, 1 end
            if kind.call then count_calls(way, code) end
            M.weights[way.place + (kind.call or 0)] = 0
        end
    end
end

local function configure()
    M.settle()
    is_stale = false
    record.cur.is_timeless = 0
    record.cur.is_plain = wants.are_plain() and 1 or 0
    if wants.every_event() then return end
    local all, is_filtered = wants.all(), sinks.capture_filter() ~= nil
    if M.may_be_blind and control.num == 0 and not shown.anything() then return count_everything(all) end
    look_around(all)
    for _, want in ipairs(all) do
        local kind, weight = want.kind, want.weight
        local is_light = weight == wants.LIGHTLY
        if kind.code < CODES and want.by_fd then
            choose_by_fd(kind, is_filtered, weight == wants.NEARLY)
        elseif kind.code < CODES and weight < wants.NEARLY and not (is_light and kind.code == SWITCH) then
            choose(kind, want.is_rejected, is_light)
        end
    end
end

-- Filter, sinks, limits or fields that are used changed: every event is looked at until `ready` is called.
function M.change()
    if is_stale then return end
    M.any, M.is_blind, is_stale = false, false, true
    for code = 0, CODES - 1 do M.ways[code].whole, M.ways[code].is_easy = 1, 0 end
    ffi.fill(M.weights, M.PLACES, M.WHOLE)
end

-- Whether events of this type are looked at.
function M.is_whole(code)
    return M.ways[code].whole ~= 0
end

-- A source begins; `may_be_blind`: see above.
function M.begin(may_be_blind)
    M.may_be_blind = may_be_blind
    M.change()
end

-- Before a walk.
function M.ready()
    if is_stale then configure() end
end

-- Count one more event in its place; `call`: system call of a generic one.
function M.count(code, call)
    local place = code <= event_info.GENERIC_X and code * M.CALLS + call or 2 * M.CALLS + code
    M.counts[place] = M.counts[place] + 1
end

-- Hand over a count.
local function tell(place, code, call)
    local count = M.counts[place]
    if count == 0 then return end
    local key = accepted[code] and "delivered" or "rejected"
    control[key] = control[key] + count
    if accepted[code] then sinks.count(code, count, call) end
end

-- Hand over the counts of events that were not looked at.
function M.settle()
    for code in pairs(accepted) do
        if code > event_info.GENERIC_X then
            tell(2 * M.CALLS + code, code, nil)
        else
            for call = 0, M.CALLS - 1 do tell(code * M.CALLS + call, code, call) end
        end
    end
    M.forget()
end

-- Forget them.
function M.forget()
    ffi.fill(M.counts, M.PLACES * ffi.sizeof("double"))
end

M.change()

return M
