-- What spectrogram and subsecoffset share: a colored row per period in which more events make a warmer cell.
-- luacheck: read globals parse_numeric_input

require "common"
local terminal = require "ansiterminal"

local M = { width = 0 }

-- 256-color codes from cold to hot; an empty cell keeps the background.
local PALETTE = { 22, 28, 64, 34, 2, 76, 46, 118, 154, 191, 227, 226, 11, 220, 209, 208, 202, 197, 9, 1 }
local STEP = math.log(1.6) -- one color further for so many times more events per second

local NS_PER_MS = 1000000

local period_ms
local counts = {}
local axis

-- The argument of such a chisel.
M.argument = {
    name = "refresh_time", argtype = "int", optional = true, description = "Milliseconds that one row stands for",
}

function M.set_arg(name, value)
    period_ms = parse_numeric_input(value, name)
    return true
end

function M.period_ms()
    return period_ms
end

-- Begin; only a terminal can show this. `new_axis(width)` returns the text of the row below the newest one.
function M.init(default_period_ms, new_axis)
    if not sysdig.is_tty() then
        print("This chisel only works on ANSI terminals. Aborting.")
        return false
    end
    terminal.enable_color(true)
    period_ms, M.width = period_ms or default_period_ms, sysdig.get_terminal_info().width
    axis = new_axis(M.width)
    terminal.hidecursor()
    print(axis)
    chisel.set_interval_ns(period_ms * NS_PER_MS)
    return true
end

-- Count an event at column x (from 0); what lies outside goes to the border.
function M.count(x)
    x = math.max(0, math.min(M.width - 1, math.floor(x)))
    counts[x] = (counts[x] or 0) + 1
end

local function color_of(number)
    local index = math.floor(math.log(number * 1000 / period_ms + 1) / STEP)
    return PALETTE[math.max(1, math.min(#PALETTE, index))]
end

function M.on_interval()
    terminal.moveup(1)
    terminal.clearline()
    for x = 0, M.width - 1 do
        if counts[x] then
            terminal.setbgcol(color_of(counts[x]))
        end
        io.write(" " .. (counts[x] and terminal.reset or ""))
    end
    print(terminal.reset)
    print(axis)
    counts = {}
    return true
end

function M.on_capture_end()
    terminal.showcursor()
    print(terminal.reset)
end

return M
