-- Losses beside figures: sums over a time in which events were lost, or left out to cap the overhead, are lower bounds,
-- and say so.

local M = {}

local COUNTED = "! %d calls were only counted in this time, to cap the overhead: the figures are lower bounds"
local REDUCED = "! data and arguments were left out in this time, to cap the overhead"

local told, counted_told, step_before = 0, 0, nil

-- The events lost since this was asked last.
function M.since_last()
    local lost = sysdig.get_lost_events()
    local new = lost - told
    told = lost
    return new
end

-- The calls that were only counted since this was asked last, nil for none.
function M.counted_since_last()
    local counted = sysdig.get_counted_events()
    local new = counted - counted_told
    counted_told = counted
    return new > 0 and new or nil
end

-- How many events there are no figures of, up to now.
function M.missing()
    return sysdig.get_lost_events() + sysdig.get_counted_events()
end

-- The most that was left out of events since this was asked last.
local function step_since_last()
    local step, highest = sysdig.get_overhead_step()
    local most = step_before and math.max(step_before, step) or highest
    step_before = step
    return most
end

local function print_overhead_mark()
    local counted, step = M.counted_since_last(), step_since_last()
    if counted then
        print(COUNTED:format(counted))
    elseif step > 0 then
        print(REDUCED)
    end
end

-- Print the lines below a table of text that say what its figures miss; nothing when that is nothing.
function M.print_mark(lost)
    if lost > 0 then
        print(("! %d events were lost in this time: the figures are lower bounds"):format(lost))
    end
    print_overhead_mark()
end

return M
