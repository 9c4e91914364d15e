-- Event -> state change: `handlers[code]` is called with the event in `ev`, before the capture filter when the event
-- type modifies state, else only for accepted events.
local dialect = require("dialect")

local M = { handlers = {} }

-- Later families replace what earlier ones do about an event type.
local FAMILIES = dialect.paired
    and { "paired.enter", "paired.processes", "paired.births", "paired.files", "paired.sockets",
        "paired.containers", "paired.tracers" }
    or { "parse_process", "parse_clone", "parse_file", "parse_fd", "parse_socket" }

for _, family in ipairs(FAMILIES) do
    for code, handler in pairs(require("state." .. family)) do
        assert(dialect.paired or not M.handlers[code], "two handlers for one event type")
        M.handlers[code] = handler
    end
end

return M
