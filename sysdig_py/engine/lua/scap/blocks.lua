-- Event blocks of a .scap file -> records. Blocks of other kinds, and container events, stop the conversion: they are
-- few, and the host turns them into state records. Nothing outside the given span is read.
local ffi = require("ffi")
local bit = require("bit")
local dialect = require("dialect")
local record = require("record")
local schema = require("schema_data")

local M = { NEED = 0, BLOCK = 1, CONTAINER = 2, FULL = 3, DAMAGED = 4, skipped = 0 }

ffi.cdef [[
#pragma pack(push, 1)
typedef struct { int32_t type, len; uint16_t cpu; int32_t flags; } sdpy_block;
typedef struct { int64_t ts, tid; int32_t len; uint16_t type; int32_t nparams; } sdpy_scap_event;
#pragma pack(pop)
typedef struct {
    uint8_t *at;        /* the records made so far */
    double used, size;
    int32_t leading;    /* no event but container events was seen */
} sdpy_conversion;
]]

local cast, copy, band = ffi.cast, ffi.copy, bit.band
local u8p, u16p, i32p = ffi.typeof("const uint8_t *"), ffi.typeof("const uint16_t *"),
    ffi.typeof("const int32_t *")
local block_p, event_p = ffi.typeof("const sdpy_block *"), ffi.typeof("const sdpy_scap_event *")
local PREFIX, STATE_ONLY, LARGE = record.PREFIX_SIZE, record.STATE_ONLY, record.LARGE
local BLOCK_FRAME, CPU, FLAGS, V1_HEADER, V2_HEADER = 12, 2, 4, 22, 26
local SIZE = 4 * 1024 * 1024
local MAX_PARAMS = 64
local EVENT_MAX = dialect.event_max or record.FIRST_STATE
local CONTAINER_CODES = { [228] = true, [272] = true, [324] = true }
-- written with three bytes too many by old versions
local SURPLUS = { [280] = 3, [286] = 3 }

-- block type -> header version, whether flags follow the CPU number, whether lengths are u32
local KINDS = {
    [0x204] = { v1 = true }, [bit.tobit(0x8010ABCD)] = { v1 = true }, [0x208] = { v1 = true, flags = true },
    [0x216] = {}, [0x217] = { flags = true }, [0x221] = { large = true }, [0x222] = { flags = true, large = true },
}

local memory
local state = ffi.new("sdpy_conversion")

local function allocate(size)
    memory = ffi.new("uint8_t[?]", size)
    state.at, state.size, state.used = memory, size, 0
end

-- Begin a file.
function M.open()
    allocate(SIZE)
    state.leading = 1
    M.skipped = 0
end

-- Whether the first k u16 lengths and what they announce are exactly `size` bytes.
local function fills(data, k, size)
    local total = 2 * k
    if total > size then return false end
    local lens = cast(u16p, data)
    for i = 0, k - 1 do total = total + lens[i] end
    return total == size
end

-- Old blocks do not tell how many parameters there are: the most, up to the table's, that fill the data.
local function count_params(type, data, size)
    local info = schema.events[type]
    local most = info and #info.params or MAX_PARAMS
    for k = most, 0, -1 do
        if fills(data, k, size) then return k end
    end
    return nil
end

-- Room for a record with `event_len` bytes of event; nil when the buffer must be taken first.
local function room_for(event_len)
    local need = band(PREFIX + event_len + 7, -8)
    if state.used + need > state.size then
        if state.used > 0 then return nil end
        allocate(2 * need)
    end
    return need
end

local function write_prefix(target, need, cpu, flags)
    local rec = cast(record.mut_ptr, target)
    rec.len, rec.flags, rec.cgroup_id, rec.pid = need, flags, 0, 0
    rec.cpu, rec.skipped, rec.latency_ns = cpu, 0, 0
    return rec
end

local function zero_tail(target, from, need)
    for i = from, need - 1 do target[i] = 0 end
end

local function put_v2(event, cpu, flags, large)
    local len, nparams = event.len, event.nparams
    local width = large and 4 or 2
    if nparams < 0 or nparams > MAX_PARAMS or V2_HEADER + width * nparams > len then return M.DAMAGED end
    local need = room_for(len)
    if not need then return M.FULL end
    local target = state.at + state.used
    write_prefix(target, need, cpu, flags)
    copy(target + PREFIX, event, len)
    zero_tail(target, PREFIX + len, need)
    state.used = state.used + need
    return M.NEED
end

local function put_v1(event, cpu, flags)
    local type = event.type
    local size = event.len - V1_HEADER - (SURPLUS[type] or 0)
    if size < 0 then return M.DAMAGED end
    local data = cast(u8p, event) + V1_HEADER
    local nparams = count_params(type, data, size)
    if not nparams then return M.DAMAGED end
    local len = V2_HEADER + size
    local need = room_for(len)
    if not need then return M.FULL end
    local target = state.at + state.used
    local rec = write_prefix(target, need, cpu, flags)
    copy(target + PREFIX, event, V1_HEADER)
    rec.event_len, rec.nparams = len, nparams
    copy(target + record.HEADER_SIZE, data, size)
    zero_tail(target, PREFIX + len, need)
    state.used = state.used + need
    return M.NEED
end

-- One event block that lies whole in memory. `shown`: of a container event, whether anyone is to see it; else nil.
local function put(block, kind, shown)
    local base, len = cast(u8p, block), block.len
    local header = kind.flags and CPU + FLAGS or CPU
    local smallest = kind.v1 and V1_HEADER or V2_HEADER
    if len < BLOCK_FRAME + header + smallest then return M.DAMAGED end
    local event = cast(event_p, base + 8 + header)
    if event.len < smallest or event.len > len - BLOCK_FRAME - header then return M.DAMAGED end
    local type = event.type
    if type >= EVENT_MAX then
        M.skipped = M.skipped + 1
        return M.NEED
    end
    if CONTAINER_CODES[type] and shown == nil then return M.CONTAINER end
    local flags = kind.flags and band(block.flags, STATE_ONLY) or 0
    if shown == nil then
        state.leading = 0
    elseif not shown or state.leading ~= 0 then
        -- those before any other event are for the reader alone
        flags = STATE_ONLY
    end
    if kind.v1 then return put_v1(event, block.cpu, flags) end
    return put_v2(event, block.cpu, kind.large and flags + LARGE or flags, kind.large)
end

-- What to do about the block at `base`, of which `left` bytes are there: a status, and its length.
local function step(base, left)
    if left < 8 then return M.NEED, 0 end
    local block = cast(block_p, base)
    local len = block.len
    local kind = KINDS[block.type]
    if not kind then return M.BLOCK, len end
    if len < BLOCK_FRAME then return M.DAMAGED, len end
    if len > left then return M.NEED, 0 end
    if cast(i32p, base + len - 4)[0] ~= len then return M.DAMAGED, len end
    return put(block, kind, nil), len
end

-- Convert from `address` on. Returns a status, the bytes used up, and the bytes of records made since the last `take`.
--   NEED: the next block is cut off; BLOCK, CONTAINER: the next block is for the host; FULL: take the records first
function M.convert(address, size)
    local base, offset = cast(u8p, address), 0
    while true do
        local status, len = step(base + offset, size - offset)
        if status ~= M.NEED or len == 0 then return status, offset, state.used end
        offset = offset + len
    end
end

-- Convert the container event in the block at `address`. Returns a status.
function M.convert_container(address, shown)
    local block = cast(block_p, cast(u8p, address))
    return put(block, KINDS[block.type], shown)
end

-- Type and text of the first parameter of the event in the block at `address`; nil when it is malformed.
function M.payload(address)
    local block = cast(block_p, cast(u8p, address))
    local kind = KINDS[block.type]
    local header = kind.flags and CPU + FLAGS or CPU
    local event = cast(event_p, cast(u8p, block) + 8 + header)
    local start = cast(u8p, event) + (kind.v1 and V1_HEADER or V2_HEADER)
    return tonumber(event.type), ffi.string(start, event.len - (kind.v1 and V1_HEADER or V2_HEADER)),
        kind.large and 4 or 2, not kind.v1 and tonumber(event.nparams) or nil
end

-- Bytes of the records that `take` gave last.
function M.made()
    return M.taken
end

-- Address of the records made so far; they stay there until the next `convert`.
function M.take()
    M.taken = state.used
    state.used = 0
    return tonumber(cast("intptr_t", state.at))
end

return M
