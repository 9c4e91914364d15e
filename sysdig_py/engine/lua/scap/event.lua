-- An event where it lies in a block of a .scap: its header, how many parameters it has, and the prefix that makes a
-- record of it.
local ffi = require("ffi")
local bit = require("bit")
local decode = require("decode")
local fixed = require("fixed")
local record = require("record")
local schema = require("schema_data")

ffi.cdef [[
#pragma pack(push, 1)
typedef struct { int32_t type, len; uint16_t cpu; int32_t flags; } sdpy_block;
typedef struct {
    int64_t ts;
    union { int64_t tid; int32_t tid_low; };
    int32_t len;
    uint16_t type;
    int32_t nparams;
} sdpy_scap_event;
#pragma pack(pop)
typedef struct {
    const uint8_t *base, *at, *stop;
    int32_t type, head, header;  /* of the block before: type (0: of no use), bytes before the event, of its header */
    int32_t nparams;           /* of the event in hand */
    const uint8_t *following;  /* where the block behind the one in hand begins */
    const uint8_t *before;     /* where the one ended that was looked at before it */
    const sdpy_record *rec;    /* the event in hand, to be handed over; NULL: there is nothing to hand over */
    int32_t unsettled;         /* stop before the first event */
} sdpy_scan;
]]

local M = { V1_HEADER = 22, V2_HEADER = 26 }

local cast, band = ffi.cast, bit.band
local u8p, u16p = ffi.typeof("const uint8_t *"), ffi.typeof("const uint16_t *")
local record_p = record.mut_ptr
local PREFIX, LARGE = record.PREFIX_SIZE, record.LARGE
local V1_HEADER, V2_HEADER = M.V1_HEADER, M.V2_HEADER
local MAX_PARAMS = 64
-- written with three bytes too many by old versions
local SURPLUS = { [280] = 3, [286] = 3 }
local sum_before = decode.sum_before

-- where the walk over the blocks stands
M.scan = fixed("sdpy_scan")
-- whose the event is that went by last, when it is to be delivered NEAR
M.hand = { thread = false, fd = false, number = 0 }

-- event type -> how many parameters the table has
local most_params = ffi.new("int32_t[?]", 65536)
ffi.fill(most_params, 65536 * 4, 0)
for code, info in pairs(schema.events) do most_params[code] = #info.params end

-- Whether the first k lengths and what they announce are exactly `size` bytes.
local function fills(lens, k, size)
    return 2 * k <= size and 2 * k + sum_before(lens, k) == size
end

-- Old blocks do not tell how many parameters there are: the most, up to the table's, that fill the data. -1: none do.
local function count_params(type, lens, size)
    local most = schema.events[type] and most_params[type] or MAX_PARAMS
    if fills(lens, most, size) then return most end
    for k = most - 1, 0, -1 do
        if fills(lens, k, size) then return k end
    end
    return -1
end

-- Number of parameters of the event, -1 when it makes no sense.
local function params_of(event, v1, width)
    if v1 then
        local type = event.type
        local size = event.len - V1_HEADER - (SURPLUS[type] or 0)
        return size < 0 and -1 or count_params(type, cast(u16p, cast(u8p, event) + V1_HEADER), size)
    end
    local nparams = event.nparams
    if nparams < 0 or nparams > MAX_PARAMS or V2_HEADER + width * nparams > event.len then return -1 end
    return nparams
end

-- Make the event a record where it lies.
local function stamp(event, v1, width, cpu, flags, nparams)
    local ts, tid, len, type = event.ts, event.tid, event.len, event.type
    local at = cast(u8p, event) - PREFIX
    if v1 then at, len = at - 4, len + 4 - (SURPLUS[type] or 0) end
    local rec = cast(record_p, at)
    rec.len, rec.flags = band(PREFIX + len + 7, -8), width == 4 and flags + LARGE or flags
    rec.cgroup_id, rec.pid, rec.cpu, rec.skipped, rec.latency_ns = 0, 0, cpu, 0, 0
    if v1 then rec.ts, rec.tid, rec.event_len, rec.type, rec.nparams = ts, tid, len, type, nparams end
    return rec
end

-- The same for those who know where it comes from, of an event whose parameters make sense. Of the prefix only what
-- they read is written.
local function stamp_lightly(event, v1, cpu)
    if v1 then return stamp(event, v1, 2, cpu, 0, params_of(event, v1, 2)) end
    local rec = cast(record_p, cast(u8p, event) - PREFIX)
    rec.len, rec.flags, rec.cpu = band(PREFIX + event.len + 7, -8), 0, cpu
    return rec
end

M.params_of, M.stamp, M.stamp_lightly = params_of, stamp, stamp_lightly

return M
