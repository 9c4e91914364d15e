-- Letting events go by: those that have a lane (lanes.lua) are counted, what their thread must know of them is kept,
-- and that is all that happens to them.
local ffi = require("ffi")
local bit = require("bit")
local con = require("control")
local lanes = require("scap.lanes")
local record = require("record")
local scap_event = require("scap.event")
local fds = require("state.fds")
local pairings = require("state.paired.pairing")

local M = {}

local cast, band, bor, bxor, bnot = ffi.cast, bit.band, bit.bor, bit.bxor, bit.bnot
local arshift, rshift = bit.arshift, bit.rshift
local u8p, u16p, i32p, i64p = ffi.typeof("const uint8_t *"), ffi.typeof("const uint16_t *"),
    ffi.typeof("const int32_t *"), ffi.typeof("const int64_t *")
local u64p = ffi.typeof("const uint64_t *")
local block_p, event_p = ffi.typeof("const sdpy_block *"), ffi.typeof("const sdpy_scap_event *")
local STATE_ONLY = record.STATE_ONLY
local V1_HEADER, V2_HEADER = scap_event.V1_HEADER, scap_event.V2_HEADER
local control, scan, params_of = con.control, scap_event.scan, scap_event.params_of
local ways, counts, calls, CODES = lanes.ways, lanes.counts, lanes.calls, lanes.CODES
local whole_calls = lanes.whole_calls
local slots, SLOT_MASK, homeless, thread_table = pairings.slots, pairings.MASK, pairings.homeless, pairings.table
local by_slot, IPV4, IPV6, DEV_NULL = pairings.by_slot, fds.IPV4, fds.IPV6, "/dev/null"
-- as they stand in a switch: three of 8 bytes and three of 4
local SWITCH, SWITCH_SIZES, SWITCH_LAST_SIZES = 152, 0x0004000800080008ULL, 0x00040004

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

-- Number of the event's fd, -1 when it has none; nil when that is not plain.
local function fd_number(event, v1, pairing, way)
    if way.has_fd == 0 then
        if pairing.last_type + 1 == event.type then return tonumber(pairing.last_fd) end
        return way.fds == 0 and -1 or nil
    end
    local nparams = params_of(event, v1, 2)
    if nparams < 1 then return nil end
    return tonumber(cast(i64p, cast(u8p, event) + (v1 and V1_HEADER or V2_HEADER) + 2 * nparams)[0])
end

-- Whether the fd lets the event go by: nobody wants those with fds of its type, and a read or write tells nothing of it
-- (`state/paired/sockets.lua`, `tracers.lua`).
local function fd_lets_go(event, v1)
    local slot, way = band(event.tid_low, SLOT_MASK), ways + event.type
    local thread, pairing = by_slot[slot], slots + slot
    if not thread or pairing.tid ~= event.tid then return false end
    local number = fd_number(event, v1, pairing, way)
    if not number then return false end
    local fd = number >= 0 and thread.fds[number]
    if not fd then return way.fds == 0 or band(way.fds, 1) ~= 0 end
    if way.fds ~= 0 and (fd.type > 31 or band(rshift(way.fds, fd.type), 1) == 0) then return false end
    if way.is_io == 0 then return true end
    if fd.type == IPV4 or fd.type == IPV6 then return fd.connected end
    return not fd.has_tracers and fd.name ~= DEV_NULL
end

-- Let the event in hand go by in its lane, if it has one: false when it must be looked at. Spelled out without a branch
-- between one type and another, since types follow each other as they like. The last block of a span is always looked
-- at, so that `ev` is about the last event afterwards, and what is read behind a short event is there.
function M.event()
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
    if ways[type].asks_fd ~= 0 and not fd_lets_go(event, v1) then return false end
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

return M
