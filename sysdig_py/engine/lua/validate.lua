-- Proves that a span of untrusted bytes is a sequence of whole records, so that what walks and
-- decodes it may follow every length without looking twice. It judges structure, not meaning:
-- type codes and parameter contents may be anything. Nothing outside the span is read.
--
-- Layout: sysdig_py/schema/record.py. The u32 fields are read as int32, because LuaJIT keeps those
-- in integer registers; a value beyond 2^31 then is negative and refused like any other bad length.

local ffi = require("ffi")

local M = {}

local bytes_p = ffi.typeof("const uint8_t *")
local i32_p = ffi.typeof("const int32_t *")
local u16_p = ffi.typeof("const uint16_t *")
local band = bit.band

local PREFIX = 32
local PPM_HEADER = 26
local HEADER = PREFIX + PPM_HEADER
local FLAGS, EVENT_LEN, NPARAMS = 4, 48, 54 -- offsets
local LARGE = 4 -- flag

-- No event type has more; a decoder may size its tables by it.
M.MAX_PARAMS = 64
local MAX_PARAMS = M.MAX_PARAMS

-- Whether `n` u32 lengths at `p` and the parameters they announce fit into `room` bytes.
local function fits_large(p, n, room)
    local lengths = ffi.cast(i32_p, p)
    room = room - 4 * n
    if room < 0 then
        return false
    end
    for i = 0, n - 1 do
        local len = lengths[i]
        if len < 0 or len > room then
            return false
        end
        room = room - len
    end
    return true
end

-- The same for u16 lengths. The first four are taken without a loop: most events have no more, and
-- a loop of few and varying turns costs LuaJIT four times the whole rest.
local function fits_short(p, n, room)
    local lengths = ffi.cast(u16_p, p)
    room = room - 2 * n
    if room < 0 then
        return false
    end
    if n > 0 then room = room - lengths[0] end
    if n > 1 then room = room - lengths[1] end
    if n > 2 then room = room - lengths[2] end
    if n > 3 then room = room - lengths[3] end
    for i = 4, n - 1 do
        room = room - lengths[i]
    end
    return room >= 0
end

-- Bytes of the record at `rec`, of which `left` bytes (at least HEADER) may be read; 0 when it is none.
local function check(rec, left)
    local len = ffi.cast(i32_p, rec)[0]
    if len > left or len < HEADER or band(len, 7) ~= 0 then
        return 0
    end
    local event_len = ffi.cast(i32_p, rec + EVENT_LEN)[0]
    local n = ffi.cast(i32_p, rec + NPARAMS)[0]
    if event_len < PPM_HEADER or event_len > len - PREFIX or n < 0 or n > MAX_PARAMS then
        return 0
    end
    local fits
    if band(rec[FLAGS], LARGE) == 0 then
        fits = fits_short(rec + HEADER, n, event_len - PPM_HEADER)
    else
        fits = fits_large(rec + HEADER, n, event_len - PPM_HEADER)
    end
    return fits and len or 0
end

-- validate(address, length) -> bytes that hold whole sound records, number of those records.
-- The span is sound when the first equals `length`; otherwise it is the offset of the first bad record.
function M.validate(address, length)
    local p = ffi.cast(bytes_p, address)
    local left, count = length, 0
    while left >= HEADER do
        local len = check(p, left)
        if len == 0 then
            break
        end
        p = p + len
        left = left - len
        count = count + 1
    end
    return length - left, count
end

return M
