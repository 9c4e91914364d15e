-- The walk over the event blocks of a .scap. Each becomes a record where it lies: the record's prefix is written over
-- the block's own head and the end of the block before, which nobody needs any more. So there must be room before the
-- first block (HEADROOM of trace/scap/window.py), and all of them are lost. Blocks of other kinds, and container
-- events, stop the walk: they are few, and the host turns them into state records.
local ffi = require("ffi")
local bit = require("bit")
local con = require("control")
local decode = require("decode")
local dialect = require("dialect")
local lanes = require("scap.lanes")
local record = require("record")
local record_sink = require("record_sink")
local schema = require("schema_data")
local fds = require("state.fds")
local threads = require("state.threads")
local walk = require("walk")
local pairings = require("state.paired.pairing")

local M = { skipped = 0 }

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
    int32_t weight;              /* of the event that went by last: LIGHT when it is to be delivered */
    const uint8_t *following;  /* where the block behind the one in hand begins */
    const sdpy_record *rec;    /* the event in hand, to be handed over; NULL: there is nothing to hand over */
    int32_t unsettled;         /* stop before the first event */
} sdpy_scan;
]]

local cast, band, bor, bxor, bnot = ffi.cast, bit.band, bit.bor, bit.bxor, bit.bnot
local arshift, rshift = bit.arshift, bit.rshift
local u8p, u16p, i32p, i64p = ffi.typeof("const uint8_t *"), ffi.typeof("const uint16_t *"),
    ffi.typeof("const int32_t *"), ffi.typeof("const int64_t *")
local u64p = ffi.typeof("const uint64_t *")
local block_p, event_p = ffi.typeof("const sdpy_block *"), ffi.typeof("const sdpy_scap_event *")
local record_p = record.mut_ptr
local PREFIX, STATE_ONLY, LARGE = record.PREFIX_SIZE, record.STATE_ONLY, record.LARGE
local FRAME, V1_HEADER, V2_HEADER = 12, 22, 26
local MAX_PARAMS = 64
local MAX_TOLD = 256
local EVENT_MAX = dialect.event_max or record.FIRST_STATE
local CONTAINER_CODES = { [228] = true, [272] = true, [324] = true }
-- written with three bytes too many by old versions
local SURPLUS = { [280] = 3, [286] = 3 }
local OK, MORE, FULL, STOP, DAMAGED = con.OK, con.MORE, con.FULL, con.STOP, con.DAMAGED
local BLOCK, CONTAINER, EVENT = con.BLOCK, con.CONTAINER, con.EVENT

-- block type -> bytes before the event's header, whether the header lacks the number of parameters, bytes of a length
local KINDS = {
    [0x204] = { head = 10, v1 = true, width = 2 }, [bit.tobit(0x8010ABCD)] = { head = 10, v1 = true, width = 2 },
    [0x208] = { head = 14, v1 = true, width = 2 }, [0x216] = { head = 10, v1 = false, width = 2 },
    [0x217] = { head = 14, v1 = false, width = 2 }, [0x221] = { head = 10, v1 = false, width = 4 },
    [0x222] = { head = 14, v1 = false, width = 4 },
}
for type, kind in pairs(KINDS) do kind.type = type end

local control, cur = con.control, record.cur
local ways, counts, calls, CODES = lanes.ways, lanes.counts, lanes.calls, lanes.CODES
local whole_calls = lanes.whole_calls
local slots, SLOT_MASK, homeless, thread_table = pairings.slots, pairings.MASK, pairings.homeless, pairings.table
-- as they stand in a switch: three of 8 bytes and three of 4
local by_slot, IPV4, IPV6, DEV_NULL, WRITE_E = pairings.by_slot, fds.IPV4, fds.IPV6, "/dev/null", 8
local SWITCH, SWITCH_SIZES, SWITCH_LAST_SIZES = 152, 0x0004000800080008ULL, 0x00040004
local sum_before = decode.sum_before
local one, light = walk.one, walk.light
-- of the smallest block all that `stamp` changes
local SAVED = 36
local saved = ffi.new("uint8_t[?]", SAVED)
local leading = true
local scan = ffi.new("sdpy_scan")

-- payload of a container event -> what it tells: { record, shown }
local told, told_count = {}, 0

local function forget_containers()
    told, told_count = {}, 0
end

-- Begin a file.
function M.open()
    leading = true
    record_sink.without_padding = true
    forget_containers()
    M.skipped = 0
end

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

-- Hand the event over. A trace writer that is full wants to see the block again.
local function deliver(at, event, kind, cpu, flags, nparams)
    if record_sink.active then ffi.copy(saved, at, SAVED) end
    local status = one(stamp(event, kind.v1, kind.width, cpu, flags, nparams))
    if status == FULL then ffi.copy(cast("uint8_t *", at), saved, SAVED) end
    return status
end

-- Of the switch in hand nothing is left but its number.
local function count_switch(len)
    counts[SWITCH] = counts[SWITCH] + 1
    control.num = control.num + 1
    scan.weight, scan.at = 0, scan.at + len
    return true
end

-- Let a switch go by: the memory counters it carries are kept, unless its thread is not in the table (idle ones
-- are not). Not when it has others than usual, or it is not known where they belong.
local function switch_goes_by(event, v1, len)
    local slot = band(event.tid_low, SLOT_MASK)
    local pairing = slots + slot
    if event.tid_low < 0 then return false end
    if pairing.tid ~= event.tid then
        return homeless[slot] == 0 and params_of(event, v1, 2) >= 0 and count_switch(len)
    end
    if pairing.age ~= thread_table.age then return false end
    local lens = cast(u8p, event) + (v1 and V1_HEADER or V2_HEADER)
    if params_of(event, v1, 2) ~= 6 or cast(u64p, lens)[0] ~= SWITCH_SIZES
        or cast(i32p, lens + 8)[0] ~= SWITCH_LAST_SIZES then return false end
    local main = slots + pairing.main
    if main.tid ~= pairing.main_tid then return false end
    pairing.pf_major, pairing.pf_minor = cast(i64p, lens + 20)[0], cast(i64p, lens + 28)[0]
    main.vm_size, main.vm_rss = cast(i32p, lens + 36)[0], cast(i32p, lens + 40)[0]
    main.vm_swap = cast(i32p, lens + 44)[0]
    pairing.news = bor(pairing.news, 1)
    main.news = bor(main.news, 2)
    return count_switch(len)
end

-- Whether a read or write means nothing to its fd: there is none, or none that learns from it
-- (`state/paired/sockets.lua`, `tracers.lua`).
local function leaves_fd(event, v1)
    local slot, number = band(event.tid_low, SLOT_MASK), -1LL
    local thread, pairing = by_slot[slot], slots + slot
    if not thread or pairing.tid ~= event.tid then return false end
    if event.type == WRITE_E then
        local nparams = params_of(event, v1, 2)
        if nparams < 1 then return false end
        number = cast(i64p, cast(u8p, event) + (v1 and V1_HEADER or V2_HEADER) + 2 * nparams)[0]
    elseif pairing.last_type + 1 == event.type then
        number = pairing.last_fd
    end
    local fd = number >= 0 and thread.fds[tonumber(number)]
    if not fd then return true end
    if fd.type == IPV4 or fd.type == IPV6 then return fd.connected end
    return not fd.has_tracers and fd.name ~= DEV_NULL
end

-- Let the event in hand go by in its lane, if it has one: false when it must be looked at. Spelled out without a branch
-- between one type and another, since types follow each other as they like. The last block of a span is always looked
-- at, so that `ev` is about the last event afterwards, and what is read behind a short event is there.
local function goes_by()
    local at, head, header = scan.at, scan.head, scan.header
    local block, event = cast(block_p, at), cast(event_p, at + head)
    local len = block.len
    if block.type ~= scan.type or len < head + header + 4 or at + (len + 8) > scan.stop then return false end
    local event_len, type = event.len, event.type
    if cast(i32p, at + len - 4)[0] ~= len or event_len < header or event_len > len - head - 4 then return false end
    if type >= CODES or ways[type].whole ~= 0 then return false end
    if event.ts - control.quiet_from >= control.quiet_length then return false end
    if head == 14 and band(block.flags, STATE_ONLY) ~= 0 then return false end
    local v1 = header == V1_HEADER
    if ways[type].is_switch ~= 0 then return switch_goes_by(event, v1, len) end
    if ways[type].is_io ~= 0 and not leaves_fd(event, v1) then return false end
    local way, nparams = ways + type, params_of(event, v1, 2)
    if nparams < 0 then return false end
    local lens = at + (head + header)
    local first, first_size = lens + 2 * nparams, cast(u16p, lens)[0]
    local call = cast(u16p, first)[0]
    if band(way.needs_first, bor(bxor(first_size, way.first_size), arshift(nparams - 1, 31))) ~= 0
        or band(way.call_mask, rshift(call, 10)) ~= 0 then return false end
    local place = way.call_base + band(call, way.call_mask)
    local weight = bor(whole_calls[place], way.light)
    if band(weight, 1) ~= 0 then return false end
    local pairing, tid, ts = slots + band(event.tid_low, SLOT_MASK), event.tid, event.ts
    if band(bor(bxor(pairing.tid, tid), arshift(tid, 63)), way.knows) ~= 0 then return false end
    local mismatch = pairing.last_type + 1 - type
    local stays, has_fd, pairs_ = way.stays, way.has_fd, way.pairs
    local number = bor(band(cast(i64p, first)[0], has_fd), bnot(has_fd))
    pairing.stored = bor(pairing.stored, band(way.is_exit, arshift(bor(mismatch, -mismatch), 31)))
    pairing.entered = bor(band(pairing.entered, stays), band(ts, bnot(stays)))
    pairing.left = bor(band(pairing.left, bnot(pairs_)), band(ts, pairs_))
    pairing.last_fd = bor(band(pairing.last_fd, stays), band(number, bnot(stays)))
    pairing.last_type = bor(band(pairing.last_type, way.keep_type), way.set_type)
    calls[place] = calls[place] + 1
    counts[type] = counts[type] + 1
    control.num = control.num + 1
    scan.weight, scan.at = weight, at + len
    return true
end

-- Whether nothing waits to be done when the next event comes.
local function is_settled()
    return cur.first_ts ~= 0 and fds.pending == 0 and threads.pending == 0
end

-- Hand over the event that went by last.
local function deliver_lightly()
    local last = cast(block_p, scan.at - cast(i32p, scan.at - 4)[0])
    local event = cast(event_p, cast(u8p, last) + scan.head)
    local v1, type = scan.header == V1_HEADER, event.type
    control.offset = scan.at - scan.base
    light(stamp(event, v1, 2, last.cpu, 0, params_of(event, v1, 2)), type)
end

-- What a container event says, as the host wants it: bytes behind the header.
local function payload_of(event, kind)
    local header = kind.v1 and V1_HEADER or V2_HEADER
    return ffi.string(cast(u8p, event) + header, event.len - header)
end

-- The container event in the block at `at`, whole in memory; `shown`: whether anyone is to see it.
function M.container(at, shown)
    local block = cast(block_p, at)
    local kind = KINDS[block.type]
    local event = cast(event_p, at + kind.head)
    local nparams = params_of(event, kind.v1, kind.width)
    if nparams < 0 then return DAMAGED end
    local flags = kind.head == 14 and band(block.flags, STATE_ONLY) or 0
    -- those before any other event are for the reader alone
    if not shown or leading then flags = STATE_ONLY end
    return deliver(at, event, kind, block.cpu, flags, nparams)
end

-- A container event whose payload was seen before.
local function told_again(at, known)
    local status = one(cast(record_p, cast(u8p, known.record)))
    if status ~= OK then return status end
    return M.container(at, known.shown)
end

-- One event block that lies whole in memory: makes the record that is to be handed over.
local function event_block(at, block, kind)
    local event = cast(event_p, at + kind.head)
    local size, type = event.len, event.type
    if size < (kind.v1 and V1_HEADER or V2_HEADER) or size > block.len - FRAME - (kind.head - 8) then return DAMAGED end
    if type >= EVENT_MAX then
        M.skipped = M.skipped + 1
        return OK
    end
    if CONTAINER_CODES[type] then
        local known = told[payload_of(event, kind)]
        if not known or scan.unsettled ~= 0 then return CONTAINER end
        return told_again(at, known)
    end
    local nparams = params_of(event, kind.v1, kind.width)
    if nparams < 0 then return DAMAGED end
    if scan.unsettled ~= 0 then return EVENT end
    if leading then leading = false end
    local flags = kind.head == 14 and band(block.flags, STATE_ONLY) or 0
    if record_sink.active then ffi.copy(saved, at, SAVED) end
    scan.rec = stamp(event, kind.v1, kind.width, block.cpu, flags, nparams)
    return OK
end

-- Look at the block in hand. Returns a status; the record to be handed over is left in `scan`.
local function look()
    local at = scan.at
    local block = cast(block_p, at)
    local len, kind = block.len, KINDS[block.type]
    scan.rec = nil
    control.offset = at - scan.base
    if not kind then
        forget_containers()
        return BLOCK
    end
    if len < kind.head + V1_HEADER + 4 then return DAMAGED end
    if len > scan.stop - at then return MORE end
    if cast(i32p, at + len - 4)[0] ~= len then return DAMAGED end
    scan.following = at + len
    control.offset = scan.following - scan.base
    scan.type = kind.width == 2 and kind.type or 0
    scan.head, scan.header = kind.head, kind.v1 and V1_HEADER or V2_HEADER
    return event_block(at, block, kind)
end

-- Hand the record over, when nothing of `look` is alive any more. A trace writer that is full wants to see the block
-- again.
local function hand_over()
    if scan.rec == nil then return OK end
    local status = one(scan.rec)
    if status == FULL then ffi.copy(cast("uint8_t *", scan.at), saved, SAVED) end
    return status
end

-- Walk the blocks in `size` bytes at `base`; `unsettled`: stop with EVENT before the first event. control.offset tells
-- how far it got. Returns a status, and whether there were events.
--   OK: the next block is cut off; BLOCK, CONTAINER: the next block is for the host
-- Where the walk stands is kept in a C struct: compiled code for one type of events begins with what the code for
-- another left in registers, and LuaJIT gives up when that is much.
function M.walk(base, size, unsettled)
    local number = control.num
    scan.base, scan.at, scan.stop, scan.type = base, base, base + size, 0
    scan.unsettled = unsettled and 1 or 0
    while scan.at + 8 <= scan.stop do
        if lanes.any and is_settled() and goes_by() then
            if scan.weight ~= 0 then deliver_lightly() end
        else
            local status = look()
            if status == OK then status = hand_over() end
            if status ~= OK then
                control.offset = scan.at - scan.base
                return status == MORE and OK or status, control.num ~= number
            end
            scan.at = scan.following
        end
        if control.stop ~= 0 then return STOP, true end
    end
    control.offset = scan.at - scan.base
    return OK, control.num ~= number
end

local ROUNDS, IDLE_BLOCK, HEADROOM = 200, 40, 64

-- Have the loop compiled around events that go by; see `walk.idle`.
function M.prime()
    -- without enter events nothing goes by
    if not dialect.paired then return end
    local room, unused = ffi.new("uint8_t[?]", HEADROOM + ROUNDS * IDLE_BLOCK), CODES - 1
    local memory = room + HEADROOM
    local first_ts, number, unknown, was_leading = cur.first_ts, control.num, control.unknown, leading
    for i = 0, ROUNDS - 1 do
        local at = memory + i * IDLE_BLOCK
        local block, event = cast("sdpy_block *", at), cast("sdpy_scap_event *", at + 10)
        block.type, block.len = 0x216, IDLE_BLOCK
        event.len, event.type, event.nparams = V2_HEADER, unused, 0
        cast("int32_t *", at + IDLE_BLOCK - 4)[0] = IDLE_BLOCK
    end
    lanes.open(unused)
    cur.first_ts = 1
    M.walk(cast(u8p, memory), ROUNDS * IDLE_BLOCK, false)
    lanes.close(unused)
    cur.first_ts, control.num, control.unknown, leading = first_ts, number, unknown, was_leading
    control.offset, M.skipped = 0, 0
end

-- Of the container event in the block at `address`: type, payload, bytes of a length, number of parameters if told.
function M.payload(address)
    local at = cast(u8p, address)
    local kind = KINDS[cast(block_p, at).type]
    local event = cast(event_p, at + kind.head)
    return tonumber(event.type), payload_of(event, kind), kind.width, not kind.v1 and tonumber(event.nparams) or nil
end

-- What a payload tells (a state record), and whether its events are to be shown: the next event that says the same need
-- not stop the walk.
function M.remember(payload, text, shown)
    if told_count == MAX_TOLD then forget_containers() end
    told[payload], told_count = { record = text, shown = shown }, told_count + 1
end

return M
