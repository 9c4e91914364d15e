-- Counting events without any state: what happens to those that have no lane (`lanes.is_blind`).
local bit = require("bit")
local con = require("control")
local decode = require("decode")
local ev = require("ev")
local event_info = require("event_info")
local lanes = require("scap.lanes")
local record = require("record")
local schema = require("schema_data")
local spans = require("tracer.spans")

local M = {}

local band, tonumber = bit.band, tonumber
local control, cur = con.control, record.cur
local OK, AGAIN = con.OK, con.AGAIN
local events, syscall_names = event_info.events, schema.syscall_names
local WRITE_X, DATA = 9, 1
-- no system call has this number: all that are not known are counted under it
local NO_CALL = lanes.CALLS - 1

local function call_of()
    local call = decode.uint(0)
    return call and syscall_names[call] and call or NO_CALL
end

-- Count one event. AGAIN: it may be more than a write, which only the state can tell.
function M.count(rec)
    local type = rec.type
    local info = events[type]
    if not info then
        control.unknown = control.unknown + 1
        return OK
    end
    cur.rec = rec
    if type == WRITE_X then
        local p, len = decode.param(DATA)
        if p and spans.may_announce(p, len) then return AGAIN end
    end
    control.num = control.num + 1
    if cur.first_ts == 0 and not info.is_container then cur.first_ts = rec.ts end
    ev.num, ev.rel = control.num, cur.first_ts == 0 and 0 or tonumber(rec.ts - cur.first_ts)
    if band(rec.flags, record.STATE_ONLY) ~= 0 then
        control.state_only = control.state_only + 1
    else
        lanes.count(type, type <= event_info.GENERIC_X and call_of() or nil)
    end
    return OK
end

return M
