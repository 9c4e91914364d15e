-- One event -> one event block of a .scap, appended to a buffer that grows.
local ffi = require("ffi")
local bit = require("bit")
local growing = require("growing")
local record = require("record")

local M = {}

ffi.cdef [[
#pragma pack(push, 1)
typedef struct { int64_t ts, tid; int32_t len; uint16_t type; int32_t nparams; } sdpy_written_event;
#pragma pack(pop)
typedef struct { int8_t source, other; uint8_t size, default_size; uint8_t value[8]; } sdpy_older_value;
typedef struct { int32_t code, count; sdpy_older_value values[32]; } sdpy_older_half;
typedef struct { const uint8_t *at[64]; int32_t len[64]; int32_t count; } sdpy_params;
]]

local cast, copy, fill = ffi.cast, ffi.copy, ffi.fill
local band = bit.band
local u16p, i32p = ffi.typeof("uint16_t *"), ffi.typeof("int32_t *")
local in_u8p, in_u16p, in_i32p = ffi.typeof("const uint8_t *"), ffi.typeof("const uint16_t *"),
    ffi.typeof("const int32_t *")
local event_p = ffi.typeof("sdpy_written_event *")
local HEADER, PREFIX, LARGE, STATE_ONLY = record.HEADER_SIZE, record.PREFIX_SIZE, record.LARGE, record.STATE_ONLY
local EVENT, EVENT_FLAGS, LARGE_EVENT, LARGE_EVENT_FLAGS = 0x216, 0x217, 0x221, 0x222
local EVENT_HEADER, FRAME = 26, 8
-- the most that a block with u16 lengths may hold
local MAX_SMALL = 0xFFFF - 64
local MAX_PARAMS = 64

local out = growing.new(1024 * 1024)
local params = ffi.new("sdpy_params")

-- Address and length of what was appended since the last call.
function M.take()
    return growing.take(out)
end

local function kind_of(is_large, flags)
    if is_large then return flags ~= 0 and LARGE_EVENT_FLAGS or LARGE_EVENT end
    return flags ~= 0 and EVENT_FLAGS or EVENT
end

-- Begin a block for `size` bytes of event. Returns where the event goes.
local function begin(size, cpu, flags, is_large)
    local head = flags ~= 0 and FRAME + 6 or FRAME + 2
    local total = band(head + size + 3, -4) + 4
    growing.reserve(out, total)
    local target = out.at + out.used
    cast(i32p, target)[0], cast(i32p, target)[1] = kind_of(is_large, flags), total
    cast(u16p, target + FRAME)[0] = cpu
    if flags ~= 0 then cast(i32p, target + FRAME + 2)[0] = flags end
    fill(target + head + size, total - 4 - head - size)
    cast(i32p, target + total - 4)[0] = total
    out.used = out.used + total
    return target + head
end

-- Append a record's event as it is, at the time `ts`.
function M.copy(rec, ts)
    local target = begin(rec.event_len, rec.cpu, band(rec.flags, STATE_ONLY), band(rec.flags, LARGE) ~= 0)
    copy(target, cast(in_u8p, rec) + PREFIX, rec.event_len)
    cast(event_p, target).ts = ts
end

-- Find the parameters of a record. False when they do not fit into it.
local function locate(rec)
    local count = rec.nparams
    local base = cast(in_u8p, rec)
    local left = PREFIX + rec.event_len - HEADER
    local is_large = band(rec.flags, LARGE) ~= 0
    local offset = HEADER + (is_large and 4 or 2) * count
    left = left - (is_large and 4 or 2) * count
    for i = 0, count - 1 do
        local len
        if is_large then len = cast(in_i32p, base + HEADER)[i] else len = cast(in_u16p, base + HEADER)[i] end
        if len < 0 or len > left then return false end
        params.at[i], params.len[i] = base + offset, len
        offset, left = offset + len, left - len
    end
    params.count = count
    return true
end

local function is_there(i)
    return i >= 0 and i < params.count and params.len[i] > 0
end

-- Position of the parameter that gives a value; -1 for its default.
local function source_of(value)
    if is_there(value.source) then return value.source end
    if is_there(value.other) then return value.other end
    return -1
end

local function length_of(value)
    if value.size ~= 0 then return value.size end
    local i = source_of(value)
    return i < 0 and value.default_size or params.len[i]
end

-- An integer keeps its value in another width, or has its default.
local function put_integer(target, value)
    local i, size = source_of(value), value.size
    if i < 0 then
        copy(target, value.value, size)
        return
    end
    local len = params.len[i]
    if len >= size then
        copy(target, params.at[i], size)
    else
        fill(target, size, params.at[i][len - 1] >= 128 and 0xFF or 0)
        copy(target, params.at[i], len)
    end
end

local function put_bytes(target, value)
    local i = source_of(value)
    if i < 0 then
        copy(target, value.value, value.default_size)
    else
        copy(target, params.at[i], params.len[i])
    end
end

local function size_of(half)
    local total = 0
    for i = 0, half.count - 1 do total = total + length_of(half.values[i]) end
    return total
end

local function put_values(half, lengths, target, is_large)
    for i = 0, half.count - 1 do
        local value = half.values[i]
        local len = length_of(value)
        if is_large then cast(i32p, lengths)[i] = len else cast(u16p, lengths)[i] = len end
        if value.size ~= 0 then put_integer(target, value) else put_bytes(target, value) end
        target = target + len
    end
end

-- Append one older event made of a record, at the time `ts`.
function M.convert(rec, half, ts)
    if rec.nparams < 0 or rec.nparams > MAX_PARAMS or not locate(rec) then return end
    local data, count = size_of(half), half.count
    local is_large = data > MAX_SMALL
    local width = is_large and 4 or 2
    local size = EVENT_HEADER + width * count + data
    local target = begin(size, rec.cpu, band(rec.flags, STATE_ONLY), is_large)
    local event = cast(event_p, target)
    event.ts, event.tid, event.len, event.type, event.nparams = ts, rec.tid, size, half.code, count
    put_values(half, target + EVENT_HEADER, target + EVENT_HEADER + width * count, is_large)
end

-- A half as the encoder needs it, of { code, { { source, other, size, default }, ... } }.
function M.half(row)
    local half = ffi.new("sdpy_older_half")
    half.code, half.count = row[1], #row[2]
    for i, value in ipairs(row[2]) do
        local target = half.values[i - 1]
        target.source, target.other, target.size, target.default_size = value[1], value[2], value[3], #value[4]
        copy(target.value, value[4], #value[4])
    end
    return half
end

return M
