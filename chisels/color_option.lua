-- The argument with which chisels that color their lines are told not to.

local terminal = require "ansiterminal"

local M = {
    argument = {
        name = "disable_color", argtype = "string", optional = true,
        description = "Set to 'disable_colors' if you want to disable color output",
    },
}

local is_on = true

-- To be called by on_set_arg; returns whether it was this argument.
function M.take(name, value)
    if name ~= "disable_color" then
        return false
    end
    is_on = value ~= "disable_colors" and value ~= "disable_color"
    return true
end

-- Give the terminal's colors their codes, or nothing.
function M.apply()
    terminal.enable_color(is_on)
end

-- The color of lines about a container (blue) or the host (green).
function M.of_container(name)
    return (name and name ~= "" and name ~= "host") and terminal.blue or terminal.green
end

return M
