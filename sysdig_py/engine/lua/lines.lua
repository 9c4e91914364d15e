-- Event lines: one line of text per delivered event.
local bit = require("bit")
local ev = require("ev")
local format = require("format")
local out = require("out")
local sinks = require("sinks")

local M = {}

local band, write = bit.band, out.write
local EC_INTERNAL = 256

local function always()
    return true
end

-- Print lines in a format. `display_filter` decides what is printed, after the line was made: a format may remember the
-- last event it saw. Internal events are for the eye of whoever debugs (`shows_internal`) only.
-- Raises a text for a bad format.
function M.add(format_text, display_filter, shows_internal)
    local line, is_shown = format.compile(format_text), display_filter or always
    local hidden = shows_internal and 0 or EC_INTERNAL
    sinks.add({
        on_event = function()
            if band(ev.info.category, hidden) ~= 0 then return end
            local text = line()
            if text and is_shown() then
                write(text)
                write("\n")
            end
        end,
    })
end

return M
