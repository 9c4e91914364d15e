-- The loop over records: header -> `ev` -> state -> capture filter -> sinks. Everything here runs per event and is
-- written for the JIT compiler: no allocation, no closures, one exit per status.
local ffi = require("ffi")
local bit = require("bit")
local record = require("record")
local ev = require("ev")
local dialect = require("dialect")
local event_info = require("event_info")
local con = require("control")
local record_sink = require("record_sink")
local threads = require("state.threads")
local fds = require("state.fds")
local parse = require("state.parse")
local state_records = require("state.records")
local sinks = require("sinks")

local M = {}

local cast, band = ffi.cast, bit.band
local cur, control = record.cur, con.control
local record_p, u8p = record.ptr, ffi.typeof("const uint8_t *")
local events = event_info.by_code
local handlers = event_info.array(function(code) return parse.handlers[code] end)
local by_tid = threads.by_tid
local deliver = sinks.deliver
local prepare = require(dialect.paired and "state.paired.prepare" or "prepare")
local set_header, set_context = prepare.header, prepare.context
local paired, forget, set_light, set_plain = dialect.paired, prepare.forget, prepare.light, prepare.plain
local set_near = prepare.near
local HEADER, PREFIX = record.HEADER_SIZE, record.PREFIX_SIZE
local FIRST_STATE, STATE_ONLY, LARGE = record.FIRST_STATE, record.STATE_ONLY, record.LARGE
local PPM_HEADER = HEADER - PREFIX
local OK, CGROUP, FULL, STOP, DAMAGED = con.OK, con.CGROUP, con.FULL, con.STOP, con.DAMAGED
local MKDIR, TICK = 0xF010, 0xF012
local is_live = false

-- Whether a header's lengths stay inside the record, and the record inside the `room` that is left.
local function is_sound(rec, room)
    local len, nparams = rec.len, rec.nparams
    if len < HEADER or len > room or band(len, 7) ~= 0 then return false end
    local event_len = rec.event_len
    if event_len < PPM_HEADER or event_len > len - PREFIX or nparams < 0 or nparams > 1024 then return false end
    local width = band(rec.flags, LARGE) == 0 and 2 or 4
    return PPM_HEADER + width * nparams <= event_len
end

-- CPUs are not in step: an event from before the end may come this much after one from behind it.
local SKEW_NS = 1e9

local function is_past_end(rec)
    if rec.type >= FIRST_STATE then return false end
    if cur.until_ts ~= 0 then return tonumber(rec.ts - cur.until_ts) > SKEW_NS end
    return control.until_rel ~= 0 and cur.first_ts ~= 0
        and tonumber(rec.ts - cur.first_ts) > control.until_rel + SKEW_NS
end

local function is_past_time(rec)
    local limit = control.limit_ns
    if (cur.until_ts ~= 0 or control.until_rel ~= 0) and is_past_end(rec) then return true end
    if limit == 0 or control.delivered == 0 or rec.type >= FIRST_STATE then return false end
    return tonumber(rec.ts - cur.first_ts) - control.started >= limit
end

local function pass_on(modifies, handler)
    control.delivered = control.delivered + 1
    if control.delivered == 1 then control.started = ev.rel end
    if handler and not modifies then handler() end
    if record_sink.active then record_sink.accepted() end
    deliver.accepted()
    if control.delivered == control.max_events then control.stop = 1 end
end

local function leave_out(modifies)
    control.rejected = control.rejected + 1
    if paired and not modifies then forget() end
    if record_sink.active then record_sink.rejected(modifies) end
    deliver.rejected()
end

-- One event: everything that happens to it. The walk has moved on before: whatever raises loses this event's rest only.
local function on_event(rec, type, info)
    control.num, cur.is_light = control.num + 1 + rec.skipped, 0
    ev.num = control.num
    set_header(rec, type, info)
    if fds.pending > 0 then fds.flush() end
    if threads.pending > 0 then threads.flush() end
    set_context(rec, info)
    local handler, modifies = handlers[type], info.modifies
    if handler and modifies then handler() end
    if band(ev.flags, STATE_ONLY) ~= 0 then
        if paired and handler and not modifies then handler() end
        control.state_only = control.state_only + 1
        if record_sink.active then record_sink.rejected(true) end
        deliver.rejected()
    elseif deliver.filter() then
        pass_on(modifies, handler)
    else
        leave_out(modifies)
    end
end

-- One event that no state depends on, for those who do not ask for its thread or fd; it is counted already.
function M.light(rec, type)
    local info = events[type]
    cur.rec, cur.is_light = rec, 1
    ev.num = control.num
    if cur.is_plain ~= 0 then set_plain(rec, type, info) else set_header(rec, type, info) end
    set_light(rec, info)
    deliver.light()
end

-- The same for those who ask for thread and fd as they stand; `thread`, `fd` (nil: none), `number`: what they are.
function M.near(rec, type, thread, fd, number)
    local info = events[type]
    cur.rec, cur.is_light = rec, 1
    ev.num = control.num
    set_header(rec, type, info)
    set_near(rec, info, thread, fd, number)
    deliver.near()
end

-- Make all of the event in hand ready after all.
function M.complete()
    if cur.is_light == 0 or cur.rec == nil then return end
    cur.is_light = 0
    set_header(cur.rec, ev.type, ev.info)
    set_context(cur.rec, ev.info)
end

-- Time passes without an event; of the last one `ev` keeps everything but the time.
local function on_time(rec)
    if cur.first_ts == 0 then cur.first_ts = rec.ts end
    cur.rec, ev.rel = rec, tonumber(rec.ts - cur.first_ts)
    deliver.rejected()
end

-- Outside knowledge; leaves `ev` about the last event.
local function on_state(rec, type)
    control.state_records = control.state_records + 1
    if record_sink.active then record_sink.state_record(rec) end
    if type == TICK then
        on_time(rec)
        return OK
    end
    state_records.apply(rec, type)
    if type == MKDIR and is_live then return CGROUP end
    return OK
end

-- A record that the walk has already moved past, or FULL / STOP for one it must come back to.
local function step(rec)
    if control.stop ~= 0 or is_past_time(rec) then
        control.stop = 1
        return STOP
    end
    if record_sink.active and not record_sink.is_ready(rec) then return FULL end
    local type = rec.type
    if type >= FIRST_STATE then return on_state(rec, type) end
    local info = events[type]
    if not info then
        control.unknown = control.unknown + 1
        return OK
    end
    cur.rec = rec
    on_event(rec, type, info)
    return OK
end

-- Count an event that is not looked at.
local function count_whole(rec)
    control.num = control.num + 1 + rec.skipped
    if cur.first_ts == 0 then cur.first_ts = rec.ts end
    if band(rec.flags, STATE_ONLY) ~= 0 then
        control.state_only = control.state_only + 1
        return
    end
    control.delivered = control.delivered + 1
    if control.delivered == 1 then control.started = tonumber(rec.ts - cur.first_ts) end
    if control.delivered == control.max_events then control.stop = 1 end
end

-- Whether the state tables have nothing to learn from who made the event.
local function is_familiar(rec)
    local thread, cgroup = by_tid[tonumber(rec.tid)], tonumber(rec.cgroup_id)
    return thread and cgroup ~= 0 and thread.cgroup == cgroup and thread.pid == rec.pid
end

-- Nobody wants events: most of them are counted, and that is all.
local function bare_step(rec)
    local type = rec.type
    if type >= FIRST_STATE or handlers[type] or not events[type] or not is_familiar(rec) then return step(rec) end
    if control.stop ~= 0 or is_past_time(rec) then
        control.stop = 1
        return STOP
    end
    count_whole(rec)
    return OK
end

-- State records are few, and a sink that comes later must find what they told.
local function copied_state(rec, type)
    control.state_records = control.state_records + 1
    state_records.apply(rec, type)
    if type == MKDIR and is_live then return CGROUP end
    return OK
end

-- The cheapest path: nothing but the trace writer wants the records.
local function copy_step(rec)
    local len, type = rec.len, rec.type
    if control.stop ~= 0 or is_past_time(rec) then
        control.stop = 1
        return STOP
    end
    if not record_sink.has_room(len) then return FULL end
    record_sink.raw(rec, len, type < FIRST_STATE)
    if type >= FIRST_STATE then return copied_state(rec, type) end
    count_whole(rec)
    return OK
end

local current_step = step

-- Choose the way records go: called when filter, sinks or the trace writer change.
function M.configure()
    if sinks.wants_events() or (record_sink.active and record_sink.is_choosy()) then
        current_step = step
    elseif record_sink.active then
        current_step = copy_step
    else
        -- with enter events there is more to keep per event
        current_step = paired and step or bare_step
    end
end

-- The enter event of an exit that follows: it changes the state and counts as no event.
function state_records.enter(rec, room)
    if room < HEADER or not is_sound(rec, room) then return end
    local info = events[rec.type]
    if not info then return end
    cur.rec = rec
    set_header(rec, rec.type, info)
    if fds.pending > 0 then fds.flush() end
    if threads.pending > 0 then threads.flush() end
    set_context(rec, info)
    if not info.modifies then return forget() end
    if handlers[rec.type] then handlers[rec.type]() end
end

function M.set_live(live)
    is_live = live
end

-- What one record asks for; `control.offset` must already be behind it.
function M.one(rec)
    return current_step(rec)
end

M.is_sound = is_sound
M.add_sink = sinks.add

-- Walk `size` bytes at `base`. Returns a status; control.offset tells how far it got.
function M.span(base, size)
    cur.base = base
    local offset = 0
    control.offset = 0
    while offset < size do
        local rec = cast(record_p, base + offset)
        if size - offset < HEADER or not is_sound(rec, size - offset) then return DAMAGED end
        local following = offset + rec.len
        control.offset = following
        local status = current_step(rec)
        if status ~= OK then
            if status == FULL or status == STOP then control.offset = offset end
            return status
        end
        if control.stop ~= 0 then return STOP end
        offset = following
    end
    return OK
end

local ROUNDS, IDLE_SIZE = 200, 64

local function skip()
    return OK
end

-- Run `walk_over(records, size, number)` on records to which nothing happens, `number` of them with `size` bytes each
-- and `gap` bytes before each. For a loop over records this is the time to be compiled: a trace of it that begins with
-- a whole event hardly ever succeeds, and after some failures LuaJIT compiles nothing in that loop for good. What
-- happens to events becomes side traces of the empty loop, and those may be tried again.
function M.idle(gap, walk_over)
    local size = gap + IDLE_SIZE
    local records = ffi.new("uint8_t[?]", ROUNDS * size)
    for i = 0, ROUNDS - 1 do
        local rec = cast(record.mut_ptr, records + i * size + gap)
        rec.len, rec.event_len = IDLE_SIZE, PPM_HEADER
    end
    local usual = current_step
    current_step = skip
    walk_over(records, size, ROUNDS)
    current_step = usual
end

function M.prime()
    M.idle(0, function(records, size, number) M.span(cast(u8p, records), size * number) end)
end

local kept, kept_size = nil, 0

-- Keep the last event readable after its memory is given back.
function M.retain()
    local rec = cur.rec
    if rec == nil or cast(u8p, rec) == kept then return end
    local len = rec.len
    if len > kept_size then
        kept, kept_size = ffi.new("uint8_t[?]", 2 * len), 2 * len
    end
    ffi.copy(kept, rec, PREFIX + rec.event_len)
    cur.rec = cast(record_p, kept)
end

return M
