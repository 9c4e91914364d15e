-- Integers of a record to text, all 64 bits exact: decimal, hexadecimal, octal, padded.
local ffi = require("ffi")
local bit = require("bit")
local dialect = require("dialect")

local M = {}

-- sysdig shows all integers of four and eight bytes as signed ones
local IS_SCAP = dialect.paired

local cast, tonumber, format, tostring = ffi.cast, tonumber, string.format, tostring
local i8p, i16p = ffi.typeof("const int8_t *"), ffi.typeof("const int16_t *")
local i32p, i64p = ffi.typeof("const int32_t *"), ffi.typeof("const int64_t *")
local u16p, u32p, u64p = ffi.typeof("const uint16_t *"), ffi.typeof("const uint32_t *"), ffi.typeof("const uint64_t *")
local EXACT = 2 ^ 53

-- The unsigned value at `p`: a number, or a uint64_t when a number would lose digits.
local function unsigned(p, len)
    if len == 8 then
        local value = cast(u64p, p)[0]
        local number = tonumber(value)
        return number < EXACT and number or value
    elseif len == 4 then
        return tonumber(cast(u32p, p)[0])
    elseif len == 2 then
        return cast(u16p, p)[0]
    end
    return p[0]
end
M.unsigned = unsigned

local function signed(p, len)
    if len == 8 then
        local value = cast(i64p, p)[0]
        local number = tonumber(value)
        return (number < EXACT and number > -EXACT) and number or value
    elseif len == 4 then
        return cast(i32p, p)[0]
    elseif len == 2 then
        return cast(i16p, p)[0]
    end
    return cast(i8p, p)[0]
end
M.signed = signed

-- Decimal text of a whole number or 64-bit integer.
local function decimal(value)
    if type(value) == "number" then return format("%d", value) end
    return (tostring(value):gsub("U?LL$", ""))
end
M.decimal = decimal

local function hexadecimal(value)
    if type(value) == "number" then return format("%X", value) end
    return (bit.tohex(value, -16):gsub("^0+", ""))
end

local function octal(value)
    return value == 0 and "0" or format("0%o", value)
end
M.octal = octal

-- Text of the integer at `p` in the print format of the schema.
function M.text(p, len, is_signed, fmt)
    if fmt == "hex" then return hexadecimal(unsigned(p, len)) end
    if fmt == "oct" then return octal(tonumber(unsigned(p, len))) end
    local value = (is_signed or (IS_SCAP and len >= 4)) and signed(p, len) or unsigned(p, len)
    if fmt == "10_padded_dec" then return format("%09d", tonumber(value)) end
    return decimal(value)
end

return M
