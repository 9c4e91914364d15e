-- Letting events go by: those that have a lane (lanes.lua) are counted, what their thread must know of them is kept,
-- and that is all that happens to them.
local ffi = require("ffi")
local bit = require("bit")
local closing = require("scap.closing")
local con = require("control")
local lanes = require("scap.lanes")
local record = require("record")
local scap_event = require("scap.event")
local fds = require("state.fds")
local threads = require("state.threads")
local pairings = require("state.paired.pairing")
local spans = require("tracer.spans")
local walk = require("walk")

local M = {}

local cast, band, bor, bxor, bnot = ffi.cast, bit.band, bit.bor, bit.bxor, bit.bnot
local arshift, rshift = bit.arshift, bit.rshift
local u8p, u16p, i32p, i64p = ffi.typeof("const uint8_t *"), ffi.typeof("const uint16_t *"),
    ffi.typeof("const int32_t *"), ffi.typeof("const int64_t *")
local u64p = ffi.typeof("const uint64_t *")
local block_p, event_p = ffi.typeof("const sdpy_block *"), ffi.typeof("const sdpy_scap_event *")
local STATE_ONLY = record.STATE_ONLY
local V1_HEADER, V2_HEADER = scap_event.V1_HEADER, scap_event.V2_HEADER
local control, scan, hand, params_of = con.control, scap_event.scan, scap_event.hand, scap_event.params_of
local ways, counts, weights, keeping = lanes.ways, lanes.counts, lanes.weights, lanes.keeping
local CODES, WHOLE, NEAR = lanes.CODES, lanes.WHOLE, lanes.NEAR
local light, near, stamp_lightly = walk.light, walk.near, scap_event.stamp_lightly
local slots, SLOT_MASK, homeless, thread_table = pairings.slots, pairings.MASK, pairings.homeless, pairings.table
local by_slot, IPV4, IPV6 = pairings.by_slot, fds.IPV4, fds.IPV6
local may_announce, DEV_NULL, takes_effect = spans.may_announce, spans.DEV_NULL, closing.takes_effect
-- as they stand in a switch: three of 8 bytes and three of 4
local SWITCH_SIZES, SWITCH_LAST_SIZES = 0x0004000800080008ULL, 0x00040004

-- Keep the memory counters that a switch carries, unless its thread is not in the table (idle ones are not). False when
-- it has others than usual, or it is not known where they belong.
local function keep_memory(event, v1, nparams)
    local slot = band(event.tid_low, SLOT_MASK)
    local pairing = slots + slot
    if event.tid_low < 0 then return false end
    if pairing.tid ~= event.tid then return homeless[slot] == 0 end
    if pairing.age ~= thread_table.age then return false end
    local lens = cast(u8p, event) + (v1 and V1_HEADER or V2_HEADER)
    if nparams ~= 6 or cast(u64p, lens)[0] ~= SWITCH_SIZES
        or cast(i32p, lens + 8)[0] ~= SWITCH_LAST_SIZES then return false end
    local main = slots + pairing.main
    if main.tid ~= pairing.main_tid then return false end
    pairing.pf_major, pairing.pf_minor = cast(i64p, lens + 20)[0], cast(i64p, lens + 28)[0]
    main.vm_size, main.vm_rss = cast(i32p, lens + 36)[0], cast(i32p, lens + 40)[0]
    main.vm_swap = cast(i32p, lens + 44)[0]
    pairing.news = bor(pairing.news, 1)
    main.news = bor(main.news, 2)
    return true
end

-- Number of the event's fd, -1 when it has none; nil when that is not plain.
local function fd_number(event, v1, nparams, pairing, way)
    if way.has_fd == 0 then
        if pairing.last_type + 1 == event.type then return tonumber(pairing.last_fd) end
        return (way.fds == -1 or way.stays == 0) and -1 or nil
    end
    if nparams < 1 then return nil end
    return tonumber(cast(i64p, cast(u8p, event) + (v1 and V1_HEADER or V2_HEADER) + 2 * nparams)[0])
end

-- Whether a read or write tells something of its fd (`state/paired/sockets.lua`, `tracers.lua`).
local function is_told(fd)
    if fd.type == IPV4 or fd.type == IPV6 then return not fd.connected end
    return fd.has_tracers or fd.name == DEV_NULL
end

-- How an event is wanted, by its fd: not at all (0) or NEAR: thread and fd are then in `hand`. nil: look at it.
local function fd_weight(event, v1, nparams)
    local slot, way = band(event.tid_low, SLOT_MASK), ways + event.type
    local thread, pairing = by_slot[slot], slots + slot
    if not thread or pairing.tid ~= event.tid then return nil end
    local number = fd_number(event, v1, nparams, pairing, way)
    if not number then return nil end
    local fd, is_unwanted = number >= 0 and thread.fds[number], band(way.fds, 1)
    if fd then
        local type = fd.type
        if type < 1 or type > 31 or (way.is_io ~= 0 and is_told(fd)) then return nil end
        is_unwanted = band(rshift(way.fds, type), 1)
    end
    if is_unwanted ~= 0 then return 0 end
    if way.near == 0 then return nil end
    hand.thread, hand.fd, hand.number = thread, fd, number
    return way.near
end

-- Whether the data of a write announce no span, whatever it is written to.
local function announces_nothing(event, v1, nparams)
    if nparams < 2 then return true end
    local header = v1 and V1_HEADER or V2_HEADER
    local lens = cast(u8p, event) + header
    local start, size = 2 * nparams + cast(u16p, lens)[0], cast(u16p, lens)[1]
    return header + start + size <= event.len and not may_announce(lens + start, size)
end

-- Whether an event goes by with what it tells: memory counters, a close, nothing but data.
local function is_let_go(event, v1, nparams)
    local way = ways + event.type
    if way.is_switch ~= 0 then return keep_memory(event, v1, nparams) end
    if way.closes ~= 0 then return takes_effect(event, v1, nparams) end
    return way.asks_data == 0 or announces_nothing(event, v1, nparams)
end

local function type_in_hand()
    return cast(event_p, scan.at + scan.head).type
end

-- How the event in hand is wanted, which is not wanted in the same way in any case. nil: look at it.
local function weight_of()
    local event, v1, nparams = cast(event_p, scan.at + scan.head), scan.header == V1_HEADER, scan.nparams
    local way = ways + event.type
    if way.whole ~= 0 then return nil end
    if way.asks_fd == 0 then return is_let_go(event, v1, nparams) and 0 or nil end
    local weight = fd_weight(event, v1, nparams)
    return weight and is_let_go(event, v1, nparams) and weight or nil
end

-- Do what waits for the next event. Returns what is left of it: nothing.
local function settle()
    if fds.pending > 0 then fds.flush() end
    if threads.pending > 0 then threads.flush() end
    return 0
end

-- Keep what the thread of an event must know of it; `first`: its first parameter. False when it has no pairing.
local function keep_pairing(event, way, first, keeps_times)
    local pairing, tid, stays = slots + band(event.tid_low, SLOT_MASK), event.tid, way.stays
    if band(bor(bxor(pairing.tid, tid), arshift(tid, 63)), way.knows) ~= 0 then return false end
    local fd = bor(band(cast(i64p, first)[0], way.has_fd), bnot(way.has_fd))
    pairing.last_fd = bor(band(pairing.last_fd, stays), band(fd, bnot(stays)))
    pairing.last_type = bor(band(pairing.last_type, way.keep_type), way.set_type)
    if keeps_times ~= 0 then
        local ts, pairs_ = event.ts, way.pairs
        pairing.entered = bor(band(pairing.entered, stays), band(ts, bnot(stays)))
        pairing.left = bor(band(pairing.left, bnot(pairs_)), band(ts, pairs_))
    end
    return true
end

-- Whether an event's first parameter is not what it should be; `size`: of that, `call`: its first two bytes.
local function is_odd(way, size, nparams, call)
    return band(way.needs_first, bor(bxor(size, way.first_size), arshift(nparams - 1, 31))) ~= 0
        or band(way.call_mask, rshift(call, 10)) ~= 0
end

-- Whether the block at hand is whole, of the same type as the one before, and its event's parameters make sense.
local function is_sound()
    local at, head, header = scan.at, scan.head, scan.header
    local block, event = cast(block_p, at), cast(event_p, at + head)
    local len = block.len
    if block.type ~= scan.type or len < head + header + 4 or at + (len + 8) > scan.stop then return false end
    local size = event.len
    if cast(i32p, at + len - 4)[0] ~= len or size < header or size > len - head - 4 then return false end
    if head == 14 and band(block.flags, STATE_ONLY) ~= 0 then return false end
    if event.ts - control.quiet_from >= control.quiet_length then return false end
    local nparams = params_of(event, header == V1_HEADER, 2)
    scan.nparams = nparams
    return nparams >= 0 and event.type < CODES
end

-- Let the event in hand go by, which is wanted as `own_weight` says. Returns how it is wanted after all.
local function move_on(own_weight)
    local at, start, nparams = scan.at, scan.head + scan.header, scan.nparams
    local event = cast(event_p, at + scan.head)
    local way, lens = ways + event.type, at + start
    local first, call = lens + 2 * nparams, cast(u16p, lens + 2 * nparams)[0]
    if is_odd(way, cast(u16p, lens)[0], nparams, call) then return WHOLE end
    local place = way.place + band(call, way.call_mask)
    local weight = bor(weights[place], own_weight)
    if weight == WHOLE then return WHOLE end
    if keeping.pairs ~= 0 and not keep_pairing(event, way, first, keeping.times) then return WHOLE end
    counts[place] = counts[place] + 1
    control.num = control.num + 1
    scan.at = at + cast(block_p, at).len
    return weight
end

-- Hand over the event that went by last; `weight`: LIGHT or NEAR.
local function deliver(weight)
    local last = cast(block_p, scan.at - cast(i32p, scan.at - 4)[0])
    local event = cast(event_p, cast(u8p, last) + scan.head)
    local type = event.type
    control.offset = scan.at - scan.base
    local rec = stamp_lightly(event, scan.header == V1_HEADER, last.cpu)
    if weight == NEAR then
        near(rec, type, hand.thread, hand.fd or nil, hand.number)
    else
        light(rec, type)
    end
end

-- Let events go by in their lanes, and hand over those that are wanted, up to one that must be looked at. What is done
-- for each is spelled out without branches between one type and another, since types follow each other as they
-- like. Where it stands is in `scan`, not in locals: there is code for what happens to the others only while few values
-- are alive here (LuaJIT cannot compile what inherits too many). The last block of a span is always looked at, so that
-- `ev` is about the last event afterwards, and what is read behind a short event is there.
function M.events()
    if scan.type == 0 then return end
    local unsettled = fds.pending + threads.pending
    while is_sound() do
        if unsettled ~= 0 then unsettled = settle() end
        local weight = 0
        if ways[type_in_hand()].is_easy == 0 then
            weight = weight_of()
            if not weight then return end
            unsettled = fds.pending
        end
        weight = move_on(weight)
        if weight == WHOLE then return end
        if weight ~= 0 then
            deliver(weight)
            if control.stop ~= 0 then return end
            unsettled = fds.pending + threads.pending
        end
    end
end

return M
