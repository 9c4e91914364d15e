-- 64-bit times as decimal text: a Lua number cannot hold nanoseconds since the epoch exactly.

local ffi = require("ffi")

local M = {}

local U32 = 2 ^ 32

local function parse(text)
    local value = ffi.new("int64_t", 0)
    local sign, digits = tostring(text):match("^%s*(%-?)(%d+)")
    if not digits then
        return error("'" .. tostring(text) .. "' is not a time in nanoseconds", 3)
    end
    for digit in digits:gmatch("%d") do
        value = value * 10 + tonumber(digit)
    end
    return sign == "-" and -value or value
end

-- Return a 64-bit integer as decimal text.
local function decimal(value)
    return (tostring(value):gsub("U?LL$", ""))
end
M.decimal = decimal

-- Return seconds and nanoseconds (both cut to 32 bits) as one decimal text.
function M.make(sec, ns)
    local total = ffi.new("uint64_t", sec % U32) * 1000000000ULL + ffi.new("uint64_t", ns % U32)
    return decimal(total)
end

function M.add(a, b)
    return decimal(parse(a) + parse(b))
end

function M.subtract(a, b)
    return decimal(parse(a) - parse(b))
end

-- Return s, ns of the time `delta` ns after (or before) sec, ns.
function M.shift(sec, ns, delta)
    local total = ffi.new("int64_t", sec) * 1000000000LL + ffi.new("int64_t", ns) + ffi.new("int64_t", delta)
    return tonumber(total / 1000000000LL), tonumber(total % 1000000000LL)
end

return M
