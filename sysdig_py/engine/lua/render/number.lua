-- Integers of a record as text, all 64 bits exact: decimal, hexadecimal, octal, padded. Written into a buffer without
-- a branch per digit or value, which LuaJIT would pay with a trace each.
local ffi = require("ffi")
local dialect = require("dialect")

local M = {}

-- sysdig shows all integers of four and eight bytes as signed ones
local IS_SCAP = dialect.paired

local cast, tonumber = ffi.cast, tonumber
local i8p, i16p = ffi.typeof("const int8_t *"), ffi.typeof("const int16_t *")
-- without const: a constant of 64 bits is nothing that buffers format
local i32p, i64p = ffi.typeof("const int32_t *"), ffi.typeof("int64_t *")
local u16p, u32p, u64p = ffi.typeof("const uint16_t *"), ffi.typeof("const uint32_t *"), ffi.typeof("uint64_t *")

-- The integer at `p` as a number; one of more than 53 bits loses digits.
function M.unsigned(p, len)
    if len == 8 then return tonumber(cast(u64p, p)[0]) end
    if len == 4 then return cast(u32p, p)[0] end
    if len == 2 then return cast(u16p, p)[0] end
    return p[0]
end

function M.signed(p, len)
    if len == 8 then return tonumber(cast(i64p, p)[0]) end
    if len == 4 then return cast(i32p, p)[0] end
    if len == 2 then return cast(i16p, p)[0] end
    return cast(i8p, p)[0]
end

-- The functions below append the integer at `p` to a buffer.

local function put_unsigned(buf, p, len)
    if len == 8 then
        buf:putf("%u", cast(u64p, p)[0])
    elseif len == 4 then
        buf:putf("%d", cast(u32p, p)[0])
    elseif len == 2 then
        buf:put(cast(u16p, p)[0])
    else
        buf:put(p[0])
    end
end
M.put_unsigned = put_unsigned

local function put_signed(buf, p, len)
    if len == 8 then
        buf:putf("%d", cast(i64p, p)[0])
    elseif len == 4 then
        buf:put(cast(i32p, p)[0])
    elseif len == 2 then
        buf:put(cast(i16p, p)[0])
    else
        buf:put(cast(i8p, p)[0])
    end
end
M.put_signed = put_signed

local function put_wide_signed(buf, p, len)
    if len >= 4 then return put_signed(buf, p, len) end
    put_unsigned(buf, p, len)
end

local function put_hexadecimal(buf, p, len)
    if len == 8 then
        buf:putf("%X", cast(u64p, p)[0])
    else
        buf:putf("%X", M.unsigned(p, len))
    end
end
M.put_hexadecimal = put_hexadecimal

local function put_octal(buf, p, len)
    buf:putf("%#o", M.unsigned(p, len))
end
M.put_octal = put_octal

local function put_padded(read)
    return function(buf, p, len)
        buf:putf("%09d", read(p, len))
    end
end

local put_padded_signed, put_padded_unsigned = put_padded(M.signed), put_padded(M.unsigned)

local function put_padded_wide_signed(buf, p, len)
    if len >= 4 then return put_padded_signed(buf, p, len) end
    put_padded_unsigned(buf, p, len)
end

-- Function (buffer, pointer, length) that appends an integer of this signedness in the schema's print format.
function M.writer(is_signed, fmt)
    if fmt == "hex" then return put_hexadecimal end
    if fmt == "oct" then return put_octal end
    if fmt == "10_padded_dec" then
        return is_signed and put_padded_signed or IS_SCAP and put_padded_wide_signed or put_padded_unsigned
    end
    return is_signed and put_signed or IS_SCAP and put_wide_signed or put_unsigned
end

return M
