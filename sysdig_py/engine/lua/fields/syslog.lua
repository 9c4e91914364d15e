-- Fields of the syslog message in a write to /dev/log.
local message = require("fields.syslog_message")

local function part(key)
    return { get = function()
        local current = message.current()
        return current and current[key]
    end }
end

return { fields = {
    ["syslog.facility"] = part("facility"),
    ["syslog.facility.str"] = part("facility_word"),
    ["syslog.severity"] = part("severity"),
    ["syslog.severity.str"] = part("severity_word"),
    ["syslog.message"] = part("text"),
} }
