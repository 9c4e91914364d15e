-- Terminal control: colors as fields (empty text when switched off), cursor movement as functions that write.

local M = {}

local ESC = "\27["
local CODES = {
    reset = 0, clear = 0, bright = 1, dim = 2, underscore = 4, blink = 5, reverse = 7, hidden = 8,
    black = 30, red = 31, green = 32, yellow = 33, blue = 34, magenta = 35, cyan = 36, white = 37,
    onblack = 40, onred = 41, ongreen = 42, onyellow = 43, onblue = 44, onmagenta = 45, oncyan = 46, onwhite = 47,
}

-- Fill the color fields with escape sequences, or with nothing.
function M.enable_color(on)
    for name, code in pairs(CODES) do
        M[name] = on and ESC .. code .. "m" or ""
    end
end

-- Make a function that writes one control sequence; its arguments fill the pattern.
local function control(pattern)
    return function(...)
        io.write(ESC .. pattern:format(...))
    end
end

M.clearscreen = control("2J")
M.moveto = control("%d;%dH")
M.moveup = control("%dF")
M.clearline = control("2K")
M.hidecursor = control("?25l")
M.showcursor = control("?25h")
M.setfgcol = control("38;5;%dm")
M.setbgcol = control("48;5;%dm")

return M
