-- Finished text on its way to Python: collected here, taken once per batch. Nothing in Lua writes to a file.
local ffi = require("ffi")
local buffer = require("string.buffer").new(65536)

local M = { buffer = buffer }

function M.write(text)
    buffer:put(text)
end

-- Bytes waiting to be taken.
function M.size()
    return #buffer
end

-- Address and length of the collected text, which stays where it is until it is dropped or more is written.
function M.look()
    local p, size = buffer:ref()
    return tonumber(ffi.cast("intptr_t", p)), size
end

function M.drop()
    buffer:reset()
end

return M
