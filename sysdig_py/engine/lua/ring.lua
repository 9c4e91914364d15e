-- The mapped BPF ring buffer: records are walked where the kernel wrote them.
-- Each is preceded by u32 length | BUSY | DISCARD and u32 page offset, and padded to 8 bytes.
local ffi = require("ffi")
local bit = require("bit")
local record = require("record")
local con = require("control")
local walk = require("walk")

local M = {}

local cast, tonumber, band = ffi.cast, tonumber, bit.band
local control = con.control
local record_p = record.ptr
local is_sound, one = walk.is_sound, walk.one
local u8p, i32p = ffi.typeof("const uint8_t *"), ffi.typeof("const int32_t *")
local OK, MORE, FULL, STOP = con.OK, con.MORE, con.FULL, con.STOP
local DISCARD, LENGTH = 0x40000000, 0x3FFFFFFF
local HEADER, RING_HEADER = record.HEADER_SIZE, 8
local BATCH = 256

ffi.cdef [[
typedef struct { volatile int64_t *consumer; const volatile int64_t *producer; const uint8_t *data; } sdpy_ring;
]]
local ring = ffi.new("sdpy_ring")
local mask = 0

function M.open(consumer, producer, data, size)
    ring.consumer = cast("volatile int64_t *", consumer)
    ring.producer = cast("const volatile int64_t *", producer)
    ring.data = cast(u8p, data)
    mask = size - 1
end

function M.is_open()
    return mask ~= 0
end

-- Tell the kernel how far its memory is free again.
local function publish(position)
    ring.consumer[0] = position
end

-- control.offset is the consumer position, kept there so that an error in a sink costs one event and not the place.
local function walk_batch(position, producer, limit)
    local data, count = ring.data, 0
    while position < producer and count < limit do
        local head = data + band(position, mask)
        local length = cast(i32p, head)[0]
        if length < 0 then return OK, count end
        local size = band(length, LENGTH)
        local following = position + band(size + RING_HEADER + 7, -8)
        control.offset = following
        count = count + 1
        local rec = cast(record_p, head + RING_HEADER)
        if band(length, DISCARD) ~= 0 then
            control.offset = following
        elseif size < HEADER or not is_sound(rec, band(size + 7, -8)) then
            control.malformed = control.malformed + 1
        else
            local status = one(rec)
            if status ~= OK then
                if status == FULL or status == STOP then
                    control.offset, count = position, count - 1
                end
                return status, count
            end
            if control.stop ~= 0 then return STOP, count end
        end
        position = following
    end
    return MORE, count
end

-- Walk up to `limit` records. Returns status and the number of records passed.
function M.drain(limit)
    local producer = tonumber(ring.producer[0])
    local done, status = 0, MORE
    while status == MORE and done < limit do
        local position = tonumber(ring.consumer[0])
        if position >= producer then return OK, done end
        control.offset = position
        local count
        status, count = walk_batch(position, producer, math.min(BATCH, limit - done))
        done = done + count
        -- the last event must outlive the memory that is given back here
        walk.retain()
        publish(control.offset)
    end
    return status, done
end

-- After an error in a sink: the failing event counts as consumed.
function M.recover()
    walk.retain()
    publish(control.offset)
end

return M
