-- Who gets the events. The list of sinks is compiled into straight-line Lua (one call after the other, no loop), which
-- is what lets LuaJIT put filter, chisel and walk into one trace.
--
-- A sink: { filter = fn|nil, on_event = fn|nil, on_tick = fn|nil, needs_all = bool }
--   on_tick runs for every event, accepted or not, before the sink's filter
--   quiet: fn() -> begin (ns since the epoch) and length of the time in which on_tick need not run, if there is any
--   needs_all: on_event also sees what the capture filter rejected (never what is STATE_ONLY)
--   level: fn() -> how much of an event on_event asks for (`fields.light`), everything when there is none
--   counted: fn(code, count, call) instead of `count` calls of on_event: a sink that only counts. Where all do, there
--     need be no state.
--   mentions: fn(is_so) -> whether is_so(text) for a text that tells what the sink makes of the state, beside what the
--     fields in `fields.used` show
local ffi = require("ffi")
local control = require("control").control
local filter_types = require("filter_types")
local record = require("record")

local M = { deliver = {} }

local cur, uint64 = record.cur, ffi.typeof("uint64_t")
local FOREVER = uint64(-1)

local list = {}
local capture_filter

local function always()
    return true
end

-- When on_tick of a sink need not run.
local function quiet_of(sink)
    if not sink.on_tick then return 0LL, FOREVER end
    if sink.quiet then return sink.quiet() end
    return 0LL, uint64(0)
end

-- Reckon when no timer is due: where the quiet times of all sinks meet.
local function reckon()
    local from, stop = 0LL, FOREVER
    for _, sink in ipairs(list) do
        local begin, length = quiet_of(sink)
        if begin > from then from = begin end
        if uint64(begin) + length < stop then stop = uint64(begin) + length end
    end
    control.quiet_from, control.quiet_length = from, stop > from and stop - from or uint64(0)
end

local function is_due()
    return cur.rec.ts - control.quiet_from >= control.quiet_length
end

local function call_event(lines, i, sink)
    if not sink.on_event then return end
    local call = ("event[%d]()"):format(i)
    if sink.filter then call = ("if filter[%d]() then %s end"):format(i, call) end
    lines[#lines + 1] = call
end

-- For an event of a type that is known to be wanted, at which no timer is due.
local function call_light(lines, i, sink)
    if #list == 1 and filter_types.is_decided(sink.filter) then
        lines[1] = sink.on_event and "event[1]()"
    else
        call_event(lines, i, sink)
    end
end

local function call_tick(lines, i, sink)
    if sink.on_tick then lines[#lines + 1] = ("if due then tick[%d]() end"):format(i) end
end

-- Functions become locals of the compiled chunk, which LuaJIT treats as constants.
local function bind(body, functions)
    local names, heads = {}, {}
    for name, group in pairs(functions) do
        for i in pairs(group) do
            local spelled = ("%s[%d]"):format(name, i)
            names[spelled] = ("%s_%d"):format(name, i)
            heads[#heads + 1] = ("local %s = functions.%s"):format(names[spelled], spelled)
        end
    end
    if body:find("due", 1, true) then
        body = "local due = is_due()\n" .. body .. "\nif due then reckon() end"
    end
    body = body:gsub("%a+%[%d+%]", names)
    local source = ("local functions, is_due, reckon = ...\n%s\nreturn function()\n%s\nend"):format(
        table.concat(heads, "\n"), body)
    return assert(loadstring(source, "=deliver"))(functions, is_due, reckon)
end

-- A source begins: timers are due at its first event, and where there are none they never are.
function M.restart()
    if not M.has_ticks() then reckon() end
end

local function rebuild()
    local functions = { filter = {}, event = {}, tick = {} }
    local accepted, rejected, light, near = {}, {}, {}, {}
    for i, sink in ipairs(list) do
        functions.filter[i], functions.event[i], functions.tick[i] = sink.filter, sink.on_event, sink.on_tick
        call_tick(accepted, i, sink)
        call_event(accepted, i, sink)
        call_light(light, i, sink)
        call_event(near, i, sink)
        call_tick(rejected, i, sink)
        if sink.needs_all then call_event(rejected, i, sink) end
    end
    M.deliver.accepted = bind(table.concat(accepted, "\n"), functions)
    M.deliver.rejected = bind(table.concat(rejected, "\n"), functions)
    M.deliver.light = bind(table.concat(light, "\n"), functions)
    M.deliver.near = bind(table.concat(near, "\n"), functions)
    M.deliver.filter = capture_filter or always
    reckon()
    if M.on_change then M.on_change() end
end

function M.add(sink)
    list[#list + 1] = sink
    rebuild()
end

-- The sinks in hand changed their functions (a chisel set its filter, say).
M.refresh = rebuild

function M.remove(sink)
    for i = #list, 1, -1 do
        if list[i] == sink then table.remove(list, i) end
    end
    rebuild()
end

function M.set_filter(fn)
    capture_filter = fn
    rebuild()
end

function M.list()
    return list
end

function M.capture_filter()
    return capture_filter
end

-- Tell those who count of `count` accepted events of a type; `call`: system call of generic ones.
function M.count(code, count, call)
    for _, sink in ipairs(list) do
        if sink.counted then sink.counted(code, count, call) end
    end
end

-- Whether all sinks only count.
function M.only_count()
    for _, sink in ipairs(list) do
        if not sink.counted then return false end
    end
    return true
end

-- Whether anyone needs decoded events and state.
function M.wants_events()
    return #list > 0 or capture_filter ~= nil
end

-- Whether anyone waits for time to pass.
function M.has_ticks()
    for _, sink in ipairs(list) do
        if sink.on_tick then return true end
    end
    return false
end

rebuild()

return M
