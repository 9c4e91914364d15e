-- The walk over the event blocks of a .scap. Each becomes a record where it lies: the record's prefix is written over
-- the block's own head and the end of the block before, which nobody needs any more. So there must be room before the
-- first block (HEADROOM of trace/scap/window.py), and all of them are lost. Blocks of other kinds, and container
-- events, stop the walk: they are few, and the host turns them into state records.
local ffi = require("ffi")
local bit = require("bit")
local con = require("control")
local blind = require("scap.blind")
local dialect = require("dialect")
local ev = require("ev")
local lanes = require("scap.lanes")
local passing = require("scap.passing")
local scap_event = require("scap.event")
local record = require("record")
local record_sink = require("record_sink")
local containers = require("state.containers")
local walk = require("walk")

local M = { skipped = 0 }

local cast, band, tonumber = ffi.cast, bit.band, tonumber
local u8p, i32p = ffi.typeof("const uint8_t *"), ffi.typeof("const int32_t *")
local block_p, event_p = ffi.typeof("const sdpy_block *"), ffi.typeof("const sdpy_scap_event *")
local record_p = record.mut_ptr
local STATE_ONLY = record.STATE_ONLY
local FRAME, V1_HEADER, V2_HEADER = 12, scap_event.V1_HEADER, scap_event.V2_HEADER
local MAX_TOLD = 256
local EVENT_MAX = dialect.event_max or record.FIRST_STATE
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
local scan, params_of, stamp, pass = scap_event.scan, scap_event.params_of, scap_event.stamp, passing.events
-- of the smallest block all that `stamp` changes
local SAVED = 36
local saved = ffi.new("uint8_t[?]", SAVED)
local leading = true

-- payload of a container event -> what it tells: { record, shown }
local told, told_count = {}, 0

local function forget_containers()
    told, told_count = {}, 0
end

-- Begin a file; `is_repeatable`: it can be begun again (AGAIN).
function M.open(is_repeatable)
    leading = true
    lanes.begin(is_repeatable)
    record_sink.without_padding = true
    forget_containers()
    M.skipped = 0
end

-- Forget what was counted: the file will be begun again.
function M.give_up()
    lanes.forget()
    lanes.begin(false)
end

local function one(rec)
    if lanes.is_blind then return blind.count(rec) end
    return walk.one(rec)
end

-- Hand the event over. A trace writer that is full wants to see the block again.
local function deliver(at, event, kind, cpu, flags, nparams)
    if record_sink.active then ffi.copy(saved, at, SAVED) end
    local status = one(stamp(event, kind.v1, kind.width, cpu, flags, nparams))
    if status == FULL then ffi.copy(cast("uint8_t *", at), saved, SAVED) end
    return status
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

-- Take in the record about a container once more. What it says is remembered, so that only a trace writer must see it.
local function tell_again(known)
    if known.info and not record_sink.active then
        control.state_records = control.state_records + 1
        containers.update(known.info)
        return OK
    end
    containers.latest = false
    local status = walk.one(cast(record_p, cast(u8p, known.record)))
    known.info = containers.latest
    return status
end

-- A container event whose payload was seen before.
local function told_again(at, known)
    if not lanes.is_blind then
        local status = tell_again(known)
        if status ~= OK then return status end
    end
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
    if lanes.CONTAINERS[type] then
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
    scan.rec, scan.before = nil, scan.following
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

-- If the last event of a walk went by, `ev` is told when it was: it may be the last of all, when nothing whole follows.
-- What a record was made of lies over the end of the block before it, so that is not looked for.
local function keep_time(status)
    if status ~= OK and scan.rec ~= nil then return end
    if scan.at == (status == OK and scan.following or scan.before) then return end
    local last, rec = scan.at - cast(i32p, scan.at - 4)[0], cast(u8p, cur.rec)
    -- unless it was delivered, and is a record
    if rec < last - record.PREFIX_SIZE or rec > scan.at then
        local event, v1 = cast(event_p, last + scan.head), scan.header == V1_HEADER
        cur.rec = stamp(event, v1, 2, cast(block_p, last).cpu, 0, params_of(event, v1, 2))
    end
    ev.num, ev.rel = control.num, tonumber(cur.rec.ts - cur.first_ts)
end

-- The loop of `M.walk`. Where it stands is kept in a C struct: compiled code for one type of events begins with what
-- the code for another left in registers, and LuaJIT gives up when that is much.
local function walk_blocks()
    while scan.at + 8 <= scan.stop do
        if lanes.any and cur.first_ts ~= 0 then pass() end
        if control.stop ~= 0 then return STOP end
        local status = look()
        if status == OK then status = hand_over() end
        if status ~= OK then return status end
        scan.at = scan.following
        if control.stop ~= 0 then return STOP end
    end
    return OK
end

-- Walk the blocks in `size` bytes at `base`; `unsettled`: stop with EVENT before the first event. control.offset tells
-- how far it got. Returns a status, and whether there were events.
--   OK: the next block is cut off; BLOCK, CONTAINER: the next block is for the host
function M.walk(base, size, unsettled)
    local number = control.num
    scan.base, scan.at, scan.following, scan.stop, scan.type = base, base, base, base + size, 0
    scan.unsettled = unsettled and 1 or 0
    local status = walk_blocks()
    control.offset = scan.at - scan.base
    keep_time(status)
    return status == MORE and OK or status, control.num ~= number
end

local ROUNDS, IDLE_BLOCK, HEADROOM = 200, 40, 64

-- Make events of types that do not exist: first one that goes by after the other, then every second one is looked at.
local function idle_blocks(memory, passing_type)
    for i = 0, 2 * ROUNDS - 1 do
        local at = memory + i * IDLE_BLOCK
        local block, event = cast("sdpy_block *", at), cast("sdpy_scap_event *", at + 10)
        block.type, block.len = 0x216, IDLE_BLOCK
        event.len, event.nparams = V2_HEADER, 0
        event.type = passing_type - (i > ROUNDS and i % 2 or 0)
        cast("int32_t *", at + IDLE_BLOCK - 4)[0] = IDLE_BLOCK
    end
end

-- Have the loops compiled around events that go by, the inner one first; see `walk.idle`.
function M.prime()
    -- without enter events hardly ever anything goes by
    if not (dialect.paired or lanes.any) then return end
    local size, unused = 2 * ROUNDS * IDLE_BLOCK, lanes.CODES - 1
    local room = ffi.new("uint8_t[?]", HEADROOM + size)
    local first_ts, number, unknown, was_leading = cur.first_ts, control.num, control.unknown, leading
    idle_blocks(room + HEADROOM, unused)
    lanes.open(unused)
    cur.first_ts = 1
    M.walk(cast(u8p, room + HEADROOM), size, false)
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
    told[payload], told_count = { record = text, shown = shown, info = false }, told_count + 1
end

return M
