-- The facade: the only functions Python calls. Everything that happens per event is behind `feed` and `drain`.
local ffi = require("ffi")

-- a run has many event types times many states of the tables: the defaults give up far too early
-- A short trace is over before compiled code has paid for its compilation, and so is what loading does: the compiler is
-- on from the first long span of records on, and for a ring.
jit.off()
local LONG = 256 * 1024

-- What lives long (state, code, constants) is far more than what an event leaves behind: a collection that begins when
-- the heap has grown to four times what the last one left goes over it less than half as often as the default. A live
-- capture lasts, beside what the machine is for: it keeps the default.
local REPLAY_PAUSE, LIVE_PAUSE = 400, 200

jit.opt.start("maxtrace=20000", "maxrecord=20000", "maxirconst=4000", "maxside=10000", "maxsnap=4000", "loopunroll=60",
    "sizemcode=256", "maxmcode=131072")

local blocks = require("scap.blocks")
local con = require("control")
local fields = require("fields.init")
local filter_types = require("filter_types")
local lanes = require("scap.lanes")
local lines = require("lines")
local overhead = require("state.overhead")
local out = require("out")
local record = require("record")
local record_sink = require("record_sink")
local restart = require("restart")
local ring = require("ring")
local sinks = require("sinks")
local state_records = require("state.records")
local threads = require("state.threads")
local containers = require("state.containers")
local walk = require("walk")

local M = { machine = {}, is_live = false, source_name = "", callbacks = {} }

local control = con.control
local u8p = ffi.typeof("const uint8_t *")
local FAULT = -1

local function on_change()
    walk.configure()
    lanes.change()
end
sinks.on_change = on_change
fields.on_news = lanes.change

-- What may be asked of Python.
function M.init(compile_filter, find_chisel, window, is_tty, notice)
    local callbacks = M.callbacks
    callbacks.compile_filter, callbacks.find_chisel = compile_filter, find_chisel
    callbacks.window, callbacks.is_tty = window, is_tty
    overhead.on_notice = notice
end

-- Facts of the source that comes (next); what an earlier one told is forgotten.
function M.begin(machine, is_live, source_name)
    M.machine, M.is_live, M.source_name = machine, is_live, source_name
    lanes.settle()
    restart.forget()
    walk.set_live(is_live)
    collectgarbage("setpause", is_live and LIVE_PAUSE or REPLAY_PAUSE)
    walk.configure()
    sinks.restart()
end

-- Compile a filter's Lua source to a function.
function M.load_filter(source)
    local chunk = assert(loadstring(source, "=filter"))
    return filter_types.instantiate(chunk, require("filter_rt"))
end

function M.set_filter(source)
    sinks.set_filter(source ~= "" and M.load_filter(source) or nil)
end

function M.set_limits(max_events, seconds)
    control.max_events, control.limit_ns = max_events, seconds * 1e9
    lanes.change()
end

-- End each source soon after this time: ns since the epoch, or ns since the first event; 0 = no limit.
function M.set_end(until_ts, until_rel)
    record.cur.until_ts, control.until_rel = until_ts, until_rel
    lanes.change()
end

local is_compiling = false

local function compile()
    if is_compiling then return end
    is_compiling = true
    jit.on()
    walk.prime()
    ring.prime()
    blocks.prime()
end

-- End the run after the event in hand.
function M.stop()
    control.stop = 1
end

M.forget_rings = ring.reset

function M.open_ring(consumer, producer, data, size)
    compile()
    ring.open(consumer, producer, data, size)
end

local function answer(status, consumed)
    if status == con.CGROUP then return status, consumed, control.cgroup_id, state_records.cgroup_path end
    if status == con.DAMAGED then return FAULT, consumed, "damaged record at byte " .. consumed .. " of the span" end
    return status, consumed
end

function M.feed(address, length)
    if length >= LONG then compile() end
    local ok, status = xpcall(walk.span, debug.traceback, ffi.cast(u8p, address), length)
    walk.retain()
    if not ok then return FAULT, control.offset, status end
    return answer(status, control.offset)
end

-- The same for the blocks of a .scap. `unsettled`: stop before the first event. Returns also whether there were events.
function M.feed_blocks(address, length, unsettled)
    if length >= LONG then
        -- the loops are compiled for what the lanes are to do
        lanes.ready()
        compile()
    end
    local ok, status, seen = xpcall(blocks.walk, debug.traceback, ffi.cast(u8p, address), length, unsettled)
    walk.retain()
    if not ok then return FAULT, control.offset, status end
    return status, control.offset, seen
end

-- The container event in the block at `address`; `shown`: whether anyone is to see it. Returns a status.
function M.feed_container(address, shown)
    local ok, status = xpcall(blocks.container, debug.traceback, ffi.cast(u8p, address), shown)
    walk.retain()
    if not ok then return FAULT, 0, status end
    return status, 0
end

function M.drain(limit, until_ts)
    if not ring.is_open() then error("drain without a ring") end
    local ok, status, count = xpcall(ring.drain, debug.traceback, limit, until_ts)
    if not ok then
        ring.recover()
        return FAULT, 0, status
    end
    return answer(status, count)
end

-- One line of text per delivered event that passes the display filter ("" for none). Returns what is wrong with the
-- format.
function M.print_lines(format_text, display_filter, shows_internal)
    local shown = display_filter ~= "" and M.load_filter(display_filter) or nil
    local ok, complaint = pcall(lines.add, format_text, shown, shows_internal)
    return not ok and complaint or nil
end

-- `selective`: only what the filter accepts, and the state that needs.
function M.write_records(size, selective, tells_users)
    record_sink.open(size)
    if selective then record_sink.begin_file(tells_users) end
    on_change()
end

M.wants_ticks = sinks.has_ticks

-- Whether somebody makes more of the events that are not shown than the state tables do: intervals, and spans, which
-- begin and end by events.
function M.needs_past()
    if sinks.has_ticks() then return true end
    for name in pairs(fields.used) do
        if name:find("^span%.") or name:find("^evtin%.") then return true end
    end
    return false
end

M.look_at_output, M.drop_output = out.look, out.drop
M.take_records = record_sink.take
M.begin_file = record_sink.begin_file

-- Take secrets of these classes out of what is written, under a key of 16 bytes.
function M.redact(key, ...)
    local redact, classes = require("redact"), {}
    for _, class in ipairs({ ... }) do classes[class] = true end
    redact.setup(classes, key)
    record_sink.redact(redact)
    walk.configure()
end
M.limit_file = record_sink.limit_file
M.take_marks = record_sink.take_marks

-- Have accepted events that pass this filter (its Lua source) ask for a file.
function M.want_file_when(source)
    sinks.add({ filter = M.load_filter(source), on_event = record_sink.want_file })
end

function M.stats()
    lanes.settle()
    local stats = {
        events = control.num, delivered = control.delivered, rejected = control.rejected,
        state_only = control.state_only, state_records = control.state_records, unknown = control.unknown,
        malformed = control.malformed, lost = control.lost, counted = overhead.counted,
        overhead_step = overhead.highest, threads = threads.count, containers = containers.count,
    }
    for cause, count in pairs(state_records.lost_by_cause) do stats["lost." .. cause] = count end
    return stats
end

return M
