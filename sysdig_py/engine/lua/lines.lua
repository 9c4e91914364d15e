-- Event lines: one line of text per delivered event.
local bit = require("bit")
local new_buffer = require("string.buffer").new
local ev = require("ev")
local format = require("format")
local out = require("out")
local sinks = require("sinks")

local M = {}

local band = bit.band
local EC_INTERNAL = 256

local function always()
    return true
end

-- Lines are made of fields and nothing else.
local function never()
    return false
end

-- Print lines in a format. `display_filter` decides what is printed, after the line was made: a format may remember the
-- last event it saw. Internal events are for the eye of whoever debugs (`shows_internal`) only.
-- Raises a text for a bad format.
function M.add(format_text, display_filter, shows_internal)
    local put, keep = format.writer(format_text)
    local is_shown = display_filter or always
    local hidden = shows_internal and 0 or EC_INTERNAL
    local line, output = new_buffer(), out.buffer
    sinks.add({
        mentions = never,
        on_event = function()
            if band(ev.info.category, hidden) ~= 0 then return end
            line:reset()
            if (put(line) or keep) and is_shown() then
                line:put("\n")
                output:put(line)
            end
        end,
    })
end

return M
