-- Event -> state change: `handlers[code]` is called with the event in `ev`, before the capture filter when the event
-- type modifies state, else only for accepted events.
local M = { handlers = {} }

for _, family in ipairs({ "process", "clone", "file", "fd", "socket" }) do
    for code, handler in pairs(require("state.parse_" .. family)) do
        assert(not M.handlers[code], "two handlers for one event type")
        M.handlers[code] = handler
    end
end

return M
