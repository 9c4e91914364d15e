-- Losses beside figures: sums over a time in which events were lost are lower bounds, and say so.

local M = {}

local told = 0

-- The events lost since this was asked last.
function M.since_last()
    local lost = sysdig.get_lost_events()
    local new = lost - told
    told = lost
    return new
end

-- Print the line below a table of text that says what its figures miss; nothing when that is nothing.
function M.print_mark(lost)
    if lost > 0 then
        print(("! %d events were lost in this time: the figures are lower bounds"):format(lost))
    end
end

return M
