-- Buffers to text in the form the user chose: normal (dots), ascii, hex, hexascii, base64.
local bit = require("bit")

local M = {}

local CAP = 80
local byte, sub, format, gsub, concat = string.byte, string.sub, string.format, string.gsub, table.concat
local ROW = 16
local NEWLINE = 10

local mode, capped, whole = "normal", true, false

local function dotted(text)
    return (gsub(text, "[^\32-\126]", "."))
end
M.dotted = dotted

local function normal(text)
    if capped and not whole and #text > CAP then return dotted(sub(text, 1, CAP - 3)) .. "..." end
    return dotted(text)
end

-- On a line of its own, line ends kept, other bytes that cannot be shown left out.
local function ascii(text)
    local start = byte(text, 1) == NEWLINE and "" or "\n"
    return start .. gsub(gsub(text, "\r\n?", "\n"), "[^\n\32-\126]", "")
end

local function hex_row(text, at, last)
    local out = {}
    for i = at, last, 2 do
        local a, b = byte(text, i, i + 1)
        out[#out + 1] = b and i < last and format("%02x%02x", a, b) or format("%02x", a)
    end
    return concat(out, " ")
end

-- Blanks in place of the groups of two bytes that the last row lacks.
local function missing_groups(count)
    return (" "):rep(5 * (ROW / 2 - math.ceil(count / 2)))
end

local function dump(text, with_ascii)
    local out = { "\n" }
    for at = 1, #text, ROW do
        local last = math.min(at + ROW - 1, #text)
        local row = format("\t0x%04x: ", at - 1) .. hex_row(text, at, last)
        if with_ascii then
            row = row .. missing_groups(last - at + 1) .. "  " .. dotted(sub(text, at, last))
        end
        out[#out + 1] = row .. "\n"
    end
    return concat(out)
end

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local function base64_group(a, b, c)
    local n = a * 65536 + (b or 0) * 256 + (c or 0)
    local out = ""
    for shift = 18, 0, -6 do
        local index = bit.band(bit.rshift(n, shift), 63) + 1
        out = out .. sub(ALPHABET, index, index)
    end
    if not b then return sub(out, 1, 2) .. "==" end
    if not c then return sub(out, 1, 3) .. "=" end
    return out
end

function M.base64(text)
    local out = {}
    for at = 1, #text, 3 do out[#out + 1] = base64_group(byte(text, at, at + 2)) end
    return concat(out)
end

local MODES = {
    normal = normal,
    ascii = ascii,
    hex = function(text) return dump(text, false) end,
    hexascii = function(text) return dump(text, true) end,
    base64 = M.base64,
}

-- Choose the form of all buffers; nil and an error text for a form that does not exist.
function M.set_mode(name)
    if not MODES[name] then return nil, "unknown buffer format " .. tostring(name) end
    mode = name
    return true
end

function M.mode()
    return mode
end

-- Whether buffers in the normal form are cut to 80 characters.
function M.set_capped(value)
    capped = value
end

-- Never cut, whatever the cap: for readers that are programs.
function M.keep_whole(on)
    whole = on
end

-- Text of a buffer in the chosen form.
function M.text(raw)
    if raw == "" then return raw end
    return MODES[mode](raw)
end

return M
