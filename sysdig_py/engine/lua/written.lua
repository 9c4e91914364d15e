-- Between functions that append to a buffer and functions that return a text.
local new_buffer = require("string.buffer").new

local M = {}

-- A function that returns as a text what put(buf, argument) appends; nil when that returns false.
function M.text_of(put)
    local buf = new_buffer()
    return function(argument)
        buf:reset()
        if put(buf, argument) == false then return nil end
        return buf:get()
    end
end

-- A function that appends the text get() returns; it returns false when there is none.
function M.put_of(get)
    return function(buf)
        local text = get()
        if text == nil then return false end
        buf:put(text)
        return true
    end
end

return M
