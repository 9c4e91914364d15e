-- Records for the trace writer, copied into one buffer: all of them, or those that the filter accepted and what state
-- they need (`state/telling.lua`; events for the state alone are marked STATE_ONLY). Left-out events are counted, so
-- that event numbers come out the same on replay.
local ffi = require("ffi")
local bit = require("bit")
local record = require("record")
local control = require("control").control
local growing = require("growing")

-- without_padding: what a record is padded with is not in memory (events that lie in the blocks of a .scap)
local M = { active = false, without_padding = false }

local cast, copy, fill = ffi.cast, ffi.copy, ffi.fill
local bor = bit.bor
local cur = record.cur
local u8p, u64p = ffi.typeof("uint8_t *"), ffi.typeof("uint64_t *")
local STATE_ONLY, MAX_SKIPPED = record.STATE_ONLY, 0xFFFF
local SKIP_TYPE = 0xF009
-- header, one u16 length, one u64, rounded up
local SKIP_SIZE = 72
-- state records that are about the stream itself, and no secret of anybody
local ABOUT_ALL = { [0xF005] = true, [0xF008] = true, [0xF00A] = true, [0xF00B] = true }
local THREAD = 0xF001
-- stands alone, is about no thread and shown to nobody
local DROP, DROP_SIZE = 148, 64
-- whether the event that starts the clock was written
local telling, time_told
local redaction

ffi.cdef [[
typedef struct { int64_t first_ts, last_ts, count; } sdpy_span;
/* the file being written: its limits (0 = none), what it holds, whether it is full, and whether an event asks for it */
typedef struct { double max_events, max_ns, events; int64_t first_ts; int32_t is_due, is_wanted; } sdpy_file;
]]
local span, buffer, file = ffi.new("sdpy_span"), growing.new(SKIP_SIZE), ffi.new("sdpy_file")
-- of a batch; what is told may exceed it
local batch_size = 0

-- Make room for `size` bytes, whatever the buffer was meant to hold.
local function reserve(size)
    growing.reserve(buffer, size)
end

-- Whole: copy everything, as long as nothing is filtered.
function M.open(size)
    buffer.used, batch_size = 0, size
    reserve(size)
    M.active = true
    telling, time_told = nil, false
end

local function put_bytes(bytes)
    reserve(#bytes)
    local target = buffer.at + buffer.used
    copy(target, bytes, #bytes)
    buffer.used = buffer.used + #bytes
    span.count = span.count + 1
    return cast(record.mut_ptr, target)
end

local function append_text(bytes)
    local rec = cast(record.ptr, bytes)
    put_bytes(redaction and redaction.by_type[rec.type] and redaction.record(rec) or bytes)
end

-- Take secrets out of what is written: see `redact.lua`.
function M.redact(with)
    redaction = with
end

-- Whether records have to be looked at one by one.
function M.is_choosy()
    return telling ~= nil or redaction ~= nil
end

-- Begin a file that is told only what its events need (`tells_users`: and all users); also in the middle of a stream.
function M.begin_file(tells_users)
    telling = require("state.telling")
    telling.begin(append_text, tells_users)
    file.events, file.first_ts, file.is_due = 0, 0, 0
end

-- Files are full after so many events, or ns of event time; 0 = no limit.
function M.limit_file(max_events, max_ns)
    file.max_events, file.max_ns = max_events, max_ns
end

-- The event in hand is worth a file.
function M.want_file()
    file.is_wanted = 1
end

-- Whether the file is full, and whether one is wanted; the latter is answered once.
function M.take_marks()
    local is_due, is_wanted = file.is_due ~= 0, file.is_wanted ~= 0
    file.is_due, file.is_wanted = 0, 0
    return is_due, is_wanted
end

local function is_due(rec)
    if file.max_events ~= 0 and file.events >= file.max_events then return true end
    if file.max_ns == 0 or file.first_ts == 0 or rec.type >= record.FIRST_STATE then return false end
    return tonumber(rec.ts - file.first_ts) >= file.max_ns
end

-- Whether the record can be taken now: it fits, and the file it goes to is not full.
function M.is_ready(rec)
    if telling and is_due(rec) then
        file.is_due = 1
        return false
    end
    return M.has_room(rec.len)
end

-- Whether the current record fits. A record larger than the whole (empty) buffer gets a larger one.
function M.has_room(len)
    local need = len + SKIP_SIZE
    if buffer.used + need <= batch_size then return true end
    if buffer.used == 0 then
        reserve(need)
        return true
    end
    return false
end

local function append(rec, len)
    if redaction and redaction.by_type[rec.type] then return put_bytes(redaction.record(rec)) end
    local target = buffer.at + buffer.used
    if M.without_padding then
        local whole = record.PREFIX_SIZE + rec.event_len
        copy(target, rec, whole)
        fill(target + whole, len - whole)
    else
        copy(target, rec, len)
    end
    buffer.used = buffer.used + len
    span.count = span.count + 1
    return cast(record.mut_ptr, target)
end

-- Events too many for a record's `skipped` get a record of their own.
local function append_skip(count)
    local target = buffer.at + buffer.used
    ffi.fill(target, SKIP_SIZE)
    local rec = cast(record.mut_ptr, target)
    rec.len, rec.flags, rec.ts, rec.tid = SKIP_SIZE, STATE_ONLY, cur.rec.ts, 0
    rec.event_len, rec.type, rec.nparams = 26 + 2 + 8, SKIP_TYPE, 1
    target[record.HEADER_SIZE] = 8
    cast(u64p, target + record.HEADER_SIZE + 2)[0] = count
    buffer.used = buffer.used + SKIP_SIZE
    span.count = span.count + 1
end

-- The `skipped` for the record about to be written.
local function settle_left_out(already)
    local count = control.left_out + already
    control.left_out = 0
    if count <= MAX_SKIPPED then return count end
    append_skip(count)
    return 0
end

-- CPUs are not in step: the last event need not be the youngest.
local function note_time(ts)
    if span.first_ts == 0 or ts < span.first_ts then span.first_ts = ts end
    if ts > span.last_ts then span.last_ts = ts end
end

-- Copy the current event; `flags` are added to its own.
local function put_event(flags)
    local rec = cur.rec
    if redaction and redaction.drops[rec.type] then
        control.left_out = control.left_out + 1 + rec.skipped
        return
    end
    time_told = true
    local skipped = settle_left_out(rec.skipped)
    local written = append(rec, rec.len)
    written.skipped = skipped
    written.flags = bor(written.flags, flags)
    if flags == 0 then file.events = file.events + 1 end
    if file.first_ts == 0 then file.first_ts = rec.ts end
    note_time(rec.ts)
end

function M.accepted()
    if telling then
        telling.before()
        reserve(cur.rec.len + SKIP_SIZE)
    end
    put_event(0)
end

local function is_first()
    return control.delivered + control.rejected + control.state_only == 1
end

-- An event without content in the place of the current one: the first is where relative times start.
local function put_time(ts, already)
    local skipped = settle_left_out(already)
    time_told = true
    reserve(DROP_SIZE)
    local target = buffer.at + buffer.used
    ffi.fill(target, DROP_SIZE)
    local rec = cast(record.mut_ptr, target)
    rec.len, rec.flags, rec.skipped, rec.ts, rec.tid = DROP_SIZE, STATE_ONLY, skipped, ts, 0
    rec.event_len, rec.type, rec.nparams = record.HEADER_SIZE - record.PREFIX_SIZE, DROP, 0
    buffer.used = buffer.used + DROP_SIZE
    span.count = span.count + 1
    note_time(ts)
end

-- Reading began behind a checkpoint: `events` events are left out, of which the first was at `first_ts`.
function M.resumed(first_ts, events)
    if not M.active or events == 0 then return end
    if telling and not time_told then put_time(first_ts, 0) else events = events + 1 end
    control.left_out = control.left_out + events - 1
end

-- An event that nobody is shown; `modifies`: it feeds the state.
function M.rejected(modifies)
    if telling and telling.needs(modifies) then
        reserve(cur.rec.len + SKIP_SIZE)
        put_event(STATE_ONLY)
    elseif telling and not time_told and cur.first_ts ~= 0 then
        put_time(cur.rec.ts, cur.rec.skipped)
    elseif not telling and (modifies or is_first()) then
        put_event(STATE_ONLY)
    else
        control.left_out = control.left_out + 1 + cur.rec.skipped
    end
end

-- Copy a state record; SKIP records are folded into the count of left-out events.
function M.state_record(rec)
    local type = rec.type
    if telling and type == THREAD then telling.outdated(tonumber(rec.tid)) end
    if type ~= SKIP_TYPE and (not telling or ABOUT_ALL[type]) then append(rec, rec.len) end
end

-- Copy a record as it is: nothing is left out before it.
function M.raw(rec, len, is_event)
    append(rec, len)
    if is_event then note_time(rec.ts) end
end

function M.left_out(count)
    control.left_out = control.left_out + count
end

-- Address and number of the bytes copied so far, times and count as raw bytes; the buffer is free again.
function M.take()
    local times = ffi.string(cast(u8p, span), ffi.sizeof(span))
    ffi.fill(span, ffi.sizeof(span))
    local address, used = growing.take(buffer)
    return address, used, times
end

return M
