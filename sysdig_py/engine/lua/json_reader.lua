-- JSON text -> tables. Objects and arrays become tables, null becomes nil; anything malformed raises a text.
local M = {}

local byte, find, match, sub, char = string.byte, string.find, string.match, string.sub, string.char
local MAX_DEPTH = 64
local QUOTE = 34

local ESCAPES = { ['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }

local function fail(at, problem)
    error(("JSON, byte %d: %s"):format(at, problem), 0)
end

local function skip(text, at)
    return find(text, "[^ \t\r\n]", at) or #text + 1
end

local function utf8(code)
    if code < 0x80 then return char(code) end
    if code < 0x800 then return char(0xC0 + math.floor(code / 64), 0x80 + code % 64) end
    local low = char(0x80 + math.floor(code / 64) % 64, 0x80 + code % 64)
    if code < 0x10000 then return char(0xE0 + math.floor(code / 4096)) .. low end
    return char(0xF0 + math.floor(code / 262144), 0x80 + math.floor(code / 4096) % 64) .. low
end

-- The character behind `\u` at `at`, and where it ends; two halves of a pair make one.
local function unicode(text, at)
    local code = tonumber(match(text, "^%x%x%x%x", at) or fail(at, "four hex digits expected"), 16)
    local second = code >= 0xD800 and code < 0xDC00 and match(text, "^\\u(%x%x%x%x)", at + 4)
    local low = second and tonumber(second, 16)
    if low and low >= 0xDC00 and low < 0xE000 then
        return utf8(0x10000 + (code - 0xD800) * 0x400 + low - 0xDC00), at + 10
    end
    return utf8(code), at + 4
end

local function read_string(text, at)
    local out, n = {}, 0
    at = at + 1
    while true do
        local stop = find(text, '["\\]', at) or fail(at, "string without an end")
        n = n + 1
        out[n] = sub(text, at, stop - 1)
        if byte(text, stop) == QUOTE then return table.concat(out), stop + 1 end
        local letter = sub(text, stop + 1, stop + 1)
        n = n + 1
        if letter == "u" then
            out[n], at = unicode(text, stop + 2)
        else
            out[n], at = ESCAPES[letter] or fail(stop, "unknown escape"), stop + 2
        end
    end
end

local read_value

local function read_array(text, at, depth)
    local out, n = {}, 0
    at = skip(text, at + 1)
    if sub(text, at, at) == "]" then return out, at + 1 end
    while true do
        n = n + 1
        out[n], at = read_value(text, at, depth)
        at = skip(text, at)
        local mark = sub(text, at, at)
        if mark == "]" then return out, at + 1 end
        if mark ~= "," then fail(at, "',' or ']' expected") end
        at = at + 1
    end
end

local function read_member(text, at, depth)
    at = skip(text, at)
    if byte(text, at) ~= QUOTE then fail(at, "a name expected") end
    local key, after = read_string(text, at)
    after = skip(text, after)
    if sub(text, after, after) ~= ":" then fail(after, "':' expected") end
    local value
    value, after = read_value(text, after + 1, depth)
    return key, value, skip(text, after)
end

local function read_object(text, at, depth)
    local out = {}
    at = skip(text, at + 1)
    if sub(text, at, at) == "}" then return out, at + 1 end
    while true do
        local key, value
        key, value, at = read_member(text, at, depth)
        out[key] = value
        local mark = sub(text, at, at)
        if mark == "}" then return out, at + 1 end
        if mark ~= "," then fail(at, "',' or '}' expected") end
        at = at + 1
    end
end

local WORDS = { ["true"] = true, ["false"] = false }

local function read_plain(text, at)
    local word = match(text, "^%a+", at)
    if word == "null" then return nil, at + 4 end
    if word and WORDS[word] ~= nil then return WORDS[word], at + #word end
    local digits = match(text, "^-?%d[%d.eE+-]*", at)
    local number = digits and tonumber(digits)
    if not number then fail(at, "a value expected") end
    return number, at + #digits
end

function read_value(text, at, depth)
    if depth > MAX_DEPTH then fail(at, "nested too deeply") end
    at = skip(text, at)
    local first = byte(text, at)
    if first == QUOTE then return read_string(text, at) end
    if first == 91 then return read_array(text, at, depth + 1) end
    if first == 123 then return read_object(text, at, depth + 1) end
    return read_plain(text, at)
end

-- The value that the whole of `text` is.
function M.parse(text)
    local value, after = read_value(text, 1, 0)
    local rest = find(text, "[^ \t\r\n%z]", after)
    if rest then fail(rest, "the end expected") end
    return value
end

return M
