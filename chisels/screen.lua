-- Tables that are drawn anew every second: only live and on a terminal; anywhere else one table at the end will do.

local terminal = require "ansiterminal"

local M = { is_redrawn = false }

-- To be called by on_capture_start: asks for on_interval every second when the table is to be redrawn.
function M.start()
    M.is_redrawn = sysdig.is_live() and sysdig.is_tty()
    if M.is_redrawn then
        chisel.set_interval_s(1)
    end
    return true
end

-- Empty the screen for the next table; JSON documents follow each other instead.
function M.clear()
    if sysdig.get_output_format() ~= "json" then
        terminal.clearscreen()
        terminal.moveto(0, 0)
    end
end

return M
