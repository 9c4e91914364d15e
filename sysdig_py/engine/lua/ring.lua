-- The mapped BPF ring buffers: records are walked where the kernel wrote them, those of several rings by their time.
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
local MAX_RINGS = 64
local FOREVER = 0x7FFFFFFFFFFFFFFFLL

ffi.cdef [[
typedef struct {
    volatile int64_t *consumer;
    const volatile int64_t *producer;
    const uint8_t *data;
    int64_t until_ts;   /* records later than this are not walked now */
    double produced;    /* the producer's position when the drain began */
    double mask;
} sdpy_ring;
]]
local rings, count = ffi.new("sdpy_ring[?]", MAX_RINGS), 0
local current = rings[0] -- whose records are being walked

-- Forget the rings there were.
function M.reset()
    count = 0
end

-- Take one more ring.
function M.open(consumer, producer, data, size)
    local ring = rings[count]
    ring.consumer = cast("volatile int64_t *", consumer)
    ring.producer = cast("const volatile int64_t *", producer)
    ring.data = cast(u8p, data)
    ring.mask, ring.until_ts = size - 1, FOREVER
    count = count + 1
end

function M.is_open()
    return count > 0
end

-- Tell the kernel how far its memory is free again; the last event must outlive what is given back.
local function publish()
    walk.retain()
    current.consumer[0] = control.offset
end

-- control.offset is the consumer position, kept there so that an error in a sink costs one event and not the place.
local function walk_batch(position, producer, limit)
    local data, mask, until_ts, done = current.data, current.mask, current.until_ts, 0
    while position < producer and done < limit do
        local head = data + band(position, mask)
        local length = cast(i32p, head)[0]
        if length < 0 then return OK, done end
        local size = band(length, LENGTH)
        local following = position + band(size + RING_HEADER + 7, -8)
        control.offset = following
        done = done + 1
        local rec = cast(record_p, head + RING_HEADER)
        if band(length, DISCARD) ~= 0 then
            control.offset = following
        elseif size < HEADER or not is_sound(rec, band(size + 7, -8)) then
            control.malformed = control.malformed + 1
        elseif rec.ts > until_ts then
            control.offset = position
            return OK, done - 1
        else
            local status = one(rec)
            if status ~= OK then
                if status == FULL or status == STOP then
                    control.offset, done = position, done - 1
                end
                return status, done
            end
            if control.stop ~= 0 then return STOP, done end
        end
        position = following
    end
    return MORE, done
end

-- Have the loop compiled around nothing, before there is a ring.
function M.prime()
    walk.idle(RING_HEADER, function(records, size, number)
        for i = 0, number - 1 do cast("uint32_t *", records + i * size)[0] = size - RING_HEADER end
        local ends = ffi.new("int64_t[2]", 0, number * size)
        M.open(ends, ends + 1, records, 2 ^ 40)
        current = rings[0]
        walk_batch(0, number * size, number)
        M.reset()
    end)
end

-- Walk up to `limit` records of the current ring that were there when the drain began.
local function walk_current(limit)
    local position = tonumber(current.consumer[0])
    control.offset = position
    local status, done = walk_batch(position, current.produced, limit)
    publish()
    return status, done
end

local function drain_one(limit)
    current = rings[0]
    current.produced = tonumber(current.producer[0])
    local done, status = 0, MORE
    while status == MORE and done < limit do
        if tonumber(current.consumer[0]) >= current.produced then return OK, done end
        local walked
        status, walked = walk_current(math.min(BATCH, limit - done))
        done = done + walked
    end
    return status, done
end

-- Time of the next record; FOREVER when there is none, nil when it is still being written.
local function next_ts(ring)
    local position = tonumber(ring.consumer[0])
    if position >= ring.produced then return FOREVER end
    local head = ring.data + band(position, ring.mask)
    local length = cast(i32p, head)[0]
    if length < 0 then return nil end
    local rec, size = cast(record_p, head + RING_HEADER), band(length, LENGTH)
    -- what is no record is passed over by the walk
    if size < HEADER or not is_sound(rec, band(size + 7, -8)) then return 0LL end
    return rec.ts
end

-- Make the ring with the oldest record current, up to where the next one's turn comes; false when none may be walked.
local function choose(until_ts)
    local oldest, second = FOREVER, until_ts
    for i = 0, count - 1 do
        local ts = next_ts(rings[i])
        if not ts then return false end
        if ts < oldest then
            oldest, second = ts, oldest < second and oldest or second
            current = rings[i]
        elseif ts < second then
            second = ts
        end
    end
    if oldest == FOREVER or oldest > until_ts then return false end
    current.until_ts = second
    return true
end

local function drain_many(limit, until_ts)
    for i = 0, count - 1 do rings[i].produced = tonumber(rings[i].producer[0]) end
    local done = 0
    while done < limit do
        if not choose(until_ts) then return OK, done end
        local status, walked = walk_current(math.min(BATCH, limit - done))
        done = done + walked
        -- OK: the next ring's turn, or a record that is not written yet, which `choose` will see
        if status ~= OK and status ~= MORE then return status, done end
    end
    return MORE, done
end

-- Walk up to `limit` records, of several rings those up to `until_ts` (ns since the epoch, 0: all): what is younger
-- may still get company from another ring. Returns status and the number of records passed.
function M.drain(limit, until_ts)
    if count == 1 then return drain_one(limit) end
    return drain_many(limit, until_ts == 0 and FOREVER - 1 or cast("int64_t", until_ts))
end

-- After an error in a sink: the failing event counts as consumed.
M.recover = publish

return M
