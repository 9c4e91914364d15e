-- Values as JSON text. Strings become valid JSON whatever their bytes are: UTF-8 stays, other bytes above 0x7F are
-- shown as U+FFFD.
local ffi = require("ffi")
local new_buffer = require("string.buffer").new
local memo = require("fields.memo")
-- declares strspn
require("state.path")

local M = {}

local C, string_at, HUGE = ffi.C, ffi.string, math.huge

local format, byte, find, gsub, sub, concat = string.format, string.byte, string.find, string.gsub, string.sub,
    table.concat

local SHORT = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function escaped(char)
    return SHORT[char] or format("\\u%04x", byte(char))
end

-- first byte from, to -> length, allowed second byte from, to: what Unicode calls well formed
local LEADS = {
    { 0xC2, 0xDF, 2, 0x80, 0xBF }, { 0xE0, 0xE0, 3, 0xA0, 0xBF }, { 0xE1, 0xEC, 3, 0x80, 0xBF },
    { 0xED, 0xED, 3, 0x80, 0x9F }, { 0xEE, 0xEF, 3, 0x80, 0xBF }, { 0xF0, 0xF0, 4, 0x90, 0xBF },
    { 0xF1, 0xF3, 4, 0x80, 0xBF }, { 0xF4, 0xF4, 4, 0x80, 0x8F },
}
local LEAD = {}
for _, row in ipairs(LEADS) do
    for first = row[1], row[2] do LEAD[first] = row end
end

-- Length of the well-formed character at `at`, nil when there is none.
local function character_length(text, at)
    local row = LEAD[byte(text, at)]
    local second = row and byte(text, at + 1)
    if not second or second < row[4] or second > row[5] then return nil end
    for i = at + 2, at + row[3] - 1 do
        local next_byte = byte(text, i)
        if not next_byte or next_byte < 0x80 or next_byte > 0xBF then return nil end
    end
    return row[3]
end

local REPLACEMENT = "\239\191\189"

-- `text` with everything that is not UTF-8 replaced.
local function well_formed(text)
    local out, at = {}, 1
    while at <= #text do
        local wide = find(text, "[\128-\255]", at)
        if not wide then break end
        out[#out + 1] = sub(text, at, wide - 1)
        local length = character_length(text, wide)
        out[#out + 1] = length and sub(text, wide, wide + length - 1) or REPLACEMENT
        at = wide + (length or 1)
    end
    out[#out + 1] = sub(text, at)
    return concat(out)
end
M.well_formed = well_formed

-- A JSON string.
function M.string(text)
    if find(text, "[\128-\255]") then text = well_formed(text) end
    if find(text, '[%z\1-\31"\\\127]') then text = gsub(text, '[%z\1-\31"\\\127]', escaped) end
    return '"' .. text .. '"'
end

-- The functions below append to a buffer and return false for null.

function M.put_null(buf)
    buf:put("null")
    return false
end

-- strings that come again and again: names, paths, command lines
local quoted = memo.one(M.string)
-- longer ones are not worth remembering
local LONG = 1024

local function put_number(buf, value)
    if value ~= value or value == HUGE or value == -HUGE then return M.put_null(buf) end
    if value % 1 == 0 then
        buf:putf("%d", value)
    else
        buf:putf("%.17g", value)
    end
    return true
end

-- Function that appends what get() returns: a number, a boolean, a string or null.
function M.put_value(get)
    return function(buf)
        local value = get()
        if type(value) == "string" then
            buf:put(#value <= LONG and quoted(value) or M.string(value))
            return true
        end
        if type(value) == "number" then return put_number(buf, value) end
        if value == nil then return M.put_null(buf) end
        buf:put(value and "true" or "false")
        return true
    end
end

-- what needs no escape: printable ASCII but for quote and backslash
local PLAIN = ""
for c = 32, 126 do
    if c ~= 34 and c ~= 92 then PLAIN = PLAIN .. string.char(c) end
end

-- Function that appends as a string what put(buf) writes, or null when that returns false: for texts that hardly ever
-- come twice.
function M.put_written(put)
    local text = new_buffer()
    return function(buf)
        text:reset()
        if not put(text) then return M.put_null(buf) end
        local size = #text
        text:put("\0")
        local p = text:ref()
        if tonumber(C.strspn(p, PLAIN)) == size then
            buf:put('"')
            buf:putcdata(p, size)
            buf:put('"')
        else
            buf:put(M.string(string_at(p, size)))
        end
        return true
    end
end

return M
