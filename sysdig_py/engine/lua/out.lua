-- Finished text on its way to Python: collected here, taken once per batch. Nothing in Lua writes to a file.
local buffer = require("string.buffer").new(65536)

local M = { buffer = buffer }

function M.write(text)
    buffer:put(text)
end

-- Bytes waiting to be taken.
function M.size()
    return #buffer
end

-- All collected text; leaves nothing behind.
function M.take()
    return buffer:get()
end

return M
