-- Records -> event blocks of a .scap.
--
-- Exit events that carry everything become the enter and exit events that sysdig 0.29.3 needs, in the order of time. An
-- enter is known only when its exit comes: records wait in a ring until the newest one is `window` later than they
-- are, or the ring is full. An enter from before what was already written comes right behind that.
-- Records of a stream that has enter events are written as they are.
local ffi = require("ffi")
local bit = require("bit")
local record = require("record")
local event_block = require("scap.event_block")
local queue = require("scap.time_queue")

local M = { DONE = 0, STATE = 1 }

local cast, copy, tonumber, band = ffi.cast, ffi.copy, tonumber, bit.band
local u8p, i64p = ffi.typeof("uint8_t *"), ffi.typeof("const int64_t *")
local record_p, writable_p = record.ptr, record.mut_ptr
local FIRST_STATE, HEADER, LARGE = record.FIRST_STATE, record.HEADER_SIZE, record.LARGE
local ENTER, EXIT, AS_IT_IS = 0, 1, 2
local GENERIC, BEFORE_ALL = 1, -math.huge
local convert, as_it_is = event_block.convert, event_block.copy

ffi.cdef [[
typedef struct { uint8_t *at; double size, head, tail, used; } sdpy_waiting;
typedef struct { int64_t base; double newest, written, window; int32_t last_call; } sdpy_times;
]]
local waiting, times = ffi.new("sdpy_waiting"), ffi.new("sdpy_times")
local memory, late, leading
local exits, enters, births, is_paired = {}, {}, {}, false

-- `table_of_pairs`: code -> { exit, enter or false, is_birth }, false for a stream that is as it shall be.
-- `last_call`: the largest system call id that the reader of the file knows.
function M.open(table_of_pairs, window, size, last_call)
    assert(window < queue.SPAN)
    memory = ffi.new("uint8_t[?]", size)
    waiting.at, waiting.size, waiting.head, waiting.tail, waiting.used = memory, size, 0, 0, 0
    times.base, times.newest, times.written, times.window = 0, BEFORE_ALL, BEFORE_ALL, window
    times.last_call = last_call
    late, leading = {}, nil
    is_paired = not table_of_pairs
    queue.open()
    for code, row in pairs(table_of_pairs or {}) do
        exits[code] = event_block.half(row[1])
        enters[code] = row[2] and event_block.half(row[2]) or nil
        births[code] = row[3] or nil
    end
end

local function release_written()
    while waiting.used > 0 do
        local len = cast(record_p, waiting.at + waiting.head).len
        if len > 0 then return end
        waiting.head, waiting.used = waiting.head - len, waiting.used + len
        if waiting.head == waiting.size then waiting.head = 0 end
    end
end

-- What was told before any event, at the time of the first.
local function write_leading(ts)
    for _, data in ipairs(leading) do as_it_is(cast(record_p, data), times.base + ts) end
    leading = nil
end

-- Write the earliest of what waits.
local function write_first()
    local ts, at, kind = queue.pop()
    local rec = cast(writable_p, waiting.at + at)
    if leading then write_leading(ts) end
    times.written = ts
    if kind == ENTER then
        convert(rec, enters[rec.type], times.base + ts)
        return
    end
    if kind == EXIT then
        convert(rec, exits[rec.type], rec.ts)
    else
        as_it_is(rec, times.base + ts)
    end
    rec.len = -rec.len
    release_written()
end

local function write_until(ts)
    while queue.first() <= ts do write_first() end
end

local function grow(size)
    memory = ffi.new("uint8_t[?]", size)
    waiting.at, waiting.size, waiting.head, waiting.tail, waiting.used = memory, size, 0, 0, 0
end

-- Make the free bytes at the end of the ring, too few for a record, one that was written.
local function pass_end()
    local left = waiting.size - waiting.tail
    cast(writable_p, waiting.at + waiting.tail).len = -left
    waiting.used, waiting.tail = waiting.used + left, 0
    release_written()
end

-- Whether `len` bytes are free in one piece.
local function has_room(len)
    if waiting.used == 0 then
        waiting.head, waiting.tail = 0, 0
        return len <= waiting.size
    end
    if waiting.tail < waiting.head then return waiting.head - waiting.tail >= len end
    if waiting.tail == waiting.head then return false end
    if waiting.size - waiting.tail >= len then return true end
    if waiting.head < len then return false end
    if waiting.tail < waiting.size then pass_end() else waiting.tail = 0 end
    return true
end

-- Keep a copy of the record; returns where.
local function keep(rec, len)
    while not has_room(len) do
        if waiting.used == 0 then grow(2 * len) else write_first() end
    end
    if waiting.tail == waiting.size then waiting.tail = 0 end
    local at = waiting.tail
    copy(waiting.at + at, rec, len)
    waiting.tail, waiting.used = at + len, waiting.used + len
    return at
end

local function result_is_zero(rec)
    local width = band(rec.flags, LARGE) ~= 0 and 4 or 2
    return rec.nparams > 0 and cast(i64p, cast(u8p, rec) + HEADER + width * rec.nparams)[0] == 0
end

local function later(one, other)
    return one > other and one or other
end

local function keep_late(ts)
    for _, data in ipairs(late) do
        local rec = cast(record_p, data)
        -- an enter event that was left out has its own time
        local own = rec.ts ~= 0 and math.min(later(tonumber(rec.ts - times.base), times.written), ts) or ts
        queue.push(own, keep(rec, rec.len), AS_IT_IS)
    end
    late = {}
end

-- Names of calls that the reader does not know would end it.
local function settle_generic(at)
    local rec = cast(writable_p, waiting.at + at)
    if rec.nparams == 0 or band(rec.flags, LARGE) ~= 0 then return end
    local id = cast("uint16_t *", waiting.at + at + HEADER + 2 * rec.nparams)
    if id[0] > times.last_call then id[0] = 0 end
end

local function add(rec, type)
    if times.base == 0 then times.base = rec.ts end
    local ts = later(tonumber(rec.ts - times.base), times.written)
    write_until(ts - times.window)
    local entered = later(ts - math.max(tonumber(rec.latency_ns), 0), times.written)
    if #late > 0 then keep_late(entered) end
    local at = keep(rec, rec.len)
    -- making room may have written what is later than that
    ts, entered = later(ts, times.written), later(entered, times.written)
    if type == GENERIC then settle_generic(at) end
    if enters[type] and not (births[type] and result_is_zero(rec)) then queue.push(entered, at, ENTER) end
    queue.push(ts, at, EXIT)
    if ts > times.newest then times.newest = ts end
end

local function step(rec, type)
    if is_paired then
        for _, data in ipairs(late) do
            local told = cast(record_p, data)
            as_it_is(told, told.ts ~= 0 and told.ts or rec.ts)
        end
        if #late > 0 then late = {} end
        as_it_is(rec, rec.ts)
    elseif exits[type] then
        add(rec, type)
    end
end

-- Encode whole sound records. Returns a status and the bytes used up; STATE: the next record is for the host.
function M.encode(address, size)
    local base, offset = cast(u8p, address), 0
    while offset < size do
        local rec = cast(record_p, base + offset)
        if rec.type >= FIRST_STATE then return M.STATE, offset end
        step(rec, rec.type)
        offset = offset + rec.len
    end
    return M.DONE, offset
end

-- Write the event of this record, of the older schema, right before the enter of the next event; before all others when
-- none came yet.
function M.late(data)
    if times.newest == BEFORE_ALL and not is_paired then
        leading = leading or {}
        leading[#leading + 1] = data
    else
        late[#late + 1] = data
    end
end

-- Write all that waits.
function M.flush()
    while queue.size() > 0 do write_first() end
end

M.take = event_block.take

return M
