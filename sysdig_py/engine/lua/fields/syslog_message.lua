-- The syslog message a write to /dev/log carries, taken apart once per event.
local bit = require("bit")
local ev = require("ev")
local decode = require("decode")

local M = {}

local WRITES = 16
local SEVERITIES = { [0] = "emerg", "alert", "crit", "err", "warn", "notice", "info", "debug" }
local FACILITIES = {
    [0] = "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
    "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
}

local seen_num, seen = -1, nil

local function parse(data)
    local priority, text = data:match("^<(%d%d?%d?)>(.*)$")
    if not priority then return nil end
    local severity, facility = bit.band(tonumber(priority), 7), bit.rshift(tonumber(priority), 3)
    return {
        severity = severity, severity_word = SEVERITIES[severity], facility = facility,
        facility_word = FACILITIES[facility] or "<NA>", text = text,
    }
end

-- Whether the current event writes to the syslog socket.
function M.is_write()
    local fd = ev.fd
    return fd ~= nil and bit.band(ev.info.flags, WRITES) ~= 0 and fd.name:find("/dev/log", 1, true) ~= nil
end

-- The message of the current event, nil when it has none.
function M.current()
    if not M.is_write() then return nil end
    if seen_num ~= ev.num then
        local i = ev.info.index.data
        local data = i and decode.bytes(i)
        seen_num, seen = ev.num, data and parse(data) or nil
    end
    return seen
end

return M
