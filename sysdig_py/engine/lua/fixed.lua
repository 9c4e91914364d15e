-- C objects that stay where they are as long as the program runs, by their address. LuaJIT takes small objects that a
-- function holds for constants, and a pointer is small: compiled code neither loads the object nor asks what it is.
local ffi = require("ffi")

local kept = {}

-- Make `number` objects (one without) of a C type, all zero; returns a pointer to the first.
return function(type, number)
    local objects = ffi.new(type .. "[?]", number or 1)
    kept[#kept + 1] = objects
    return ffi.cast(type .. " *", objects)
end
