-- What a close does to its fd, in its lane: the same as the handlers of `state/paired/files.lua`, without an event in
-- hand.
local ffi = require("ffi")
local bit = require("bit")
local scap_event = require("scap.event")
local fdtable = require("state.paired.fdtable")
local pairings = require("state.paired.pairing")

local M = { ENTER = 4, EXIT = 5 }

local cast, band, tonumber = ffi.cast, bit.band, tonumber
local u8p, u16p, i64p = ffi.typeof("const uint8_t *"), ffi.typeof("const uint16_t *"), ffi.typeof("const int64_t *")
local V1_HEADER, V2_HEADER = scap_event.V1_HEADER, scap_event.V2_HEADER
local slots, by_slot, SLOT_MASK = pairings.slots, pairings.by_slot, pairings.MASK
local EXIT, PARAM_SIZE = M.EXIT, 8

local function begin(thread, number)
    local fd = number >= 0 and thread.fds[number]
    if fd then fd.closing = true end
end

local function finish(thread, pairing, res)
    if pairing.last_type + 1 ~= EXIT then return end
    local number = tonumber(pairing.last_fd)
    local fd = number >= 0 and thread.fds[number]
    if not fd then return end
    if res >= 0 then fdtable.close(thread, fd) else fd.closing = nil end
end

-- Let a close have its effect. False when it has none here: it must be looked at.
function M.takes_effect(event, v1, nparams)
    local slot = band(event.tid_low, SLOT_MASK)
    local thread, pairing = by_slot[slot], slots + slot
    if not thread or pairing.tid ~= event.tid or nparams < 1 then return false end
    local lens = cast(u8p, event) + (v1 and V1_HEADER or V2_HEADER)
    if cast(u16p, lens)[0] ~= PARAM_SIZE then return false end
    local value = tonumber(cast(i64p, lens + 2 * nparams)[0])
    if event.type == EXIT then finish(thread, pairing, value) else begin(thread, value) end
    return true
end

return M
