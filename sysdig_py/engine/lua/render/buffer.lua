-- Buffers to text in the form the user chose: normal (dots), ascii, hex, hexascii, base64. Each form is a function
-- that appends the text of `len` bytes at `p` to a string buffer.
local ffi = require("ffi")
local bit = require("bit")

local M = {}

local CAP, CUT = 80, 77
local ROW = 16
local NEWLINE, RETURN, BLANK, PAD = 10, 13, 32, 61
local band, bor, bnot, lshift, rshift = bit.band, bit.bor, bit.bnot, bit.lshift, bit.rshift
local cast, copy, fill, min = ffi.cast, ffi.copy, ffi.fill, math.min
local u16p, u64p = ffi.typeof("uint16_t *"), ffi.typeof("uint64_t *")

local mode, capped, whole = "normal", true, false

local LOW7, HIGH, ONES = 0x7f7f7f7f7f7f7f7fULL, 0x8080808080808080ULL, 0x0101010101010101ULL
local TO_BLANK, DOTS = 0x6060606060606060ULL, 0x2e2e2e2e2e2e2e2eULL

-- The high bits of those of eight bytes that are not printable: below blank, above tilde.
local function unprintable(word)
    local low = band(word, LOW7)
    -- the high bit of each byte tells: was 0x80 or more; is below blank; is 0x7f
    return band(bor(word, bnot(low + TO_BLANK), low + ONES), HIGH)
end

-- Eight bytes at once: those that are not printable become dots.
local function dotted_word(word)
    local mask = rshift(unprintable(word), 7) * 255
    return bor(band(word, bnot(mask)), band(DOTS, mask))
end

local function put_words_dotted(words, count)
    for i = 0, count - 1 do words[i] = dotted_word(words[i]) end
end

-- Up to ten words without a loop, which would cut every trace through it in two.
local function put_ten_dotted(words)
    words[0], words[1] = dotted_word(words[0]), dotted_word(words[1])
    words[2], words[3] = dotted_word(words[2]), dotted_word(words[3])
    words[4], words[5] = dotted_word(words[4]), dotted_word(words[5])
    words[6], words[7] = dotted_word(words[6]), dotted_word(words[7])
    words[8], words[9] = dotted_word(words[8]), dotted_word(words[9])
end

-- Every byte that cannot be shown as a dot.
local function put_dotted(buf, p, len)
    local to = buf:reserve(len + CAP)
    copy(to, p, len)
    local words = cast(u64p, to)
    if len <= 8 then
        words[0] = dotted_word(words[0])
    elseif len <= CAP then
        put_ten_dotted(words)
    else
        put_words_dotted(words, rshift(len + 7, 3))
    end
    buf:commit(len)
end
M.put_dotted = put_dotted

local SHORT = 32

-- Append `len` bytes when all of them are printable; false (and nothing is appended) when they are not, or too many.
function M.put_printable(buf, p, len)
    if len > CAP then return false end
    local to = buf:reserve(CAP + 8)
    local w = cast(u64p, to)
    fill(to, len <= SHORT and SHORT or CAP, BLANK)
    copy(to, p, len)
    local wrong = bor(unprintable(w[0]), unprintable(w[1]), unprintable(w[2]), unprintable(w[3]))
    if len > SHORT then
        wrong = bor(wrong, unprintable(w[4]), unprintable(w[5]), unprintable(w[6]), unprintable(w[7]),
            unprintable(w[8]), unprintable(w[9]))
    end
    if wrong ~= 0 then return false end
    buf:commit(len)
    return true
end

local function put_normal(buf, p, len)
    if len > CAP and capped and not whole then
        put_dotted(buf, p, CUT)
        buf:put("...")
    else
        put_dotted(buf, p, len)
    end
end

-- byte -> what stands for it, and whether anything does
local ASCII, IS_ASCII = ffi.new("uint8_t[256]"), ffi.new("uint8_t[256]")
for c = 32, 126 do ASCII[c], IS_ASCII[c] = c, 1 end
for _, c in ipairs({ NEWLINE, RETURN }) do ASCII[c], IS_ASCII[c] = NEWLINE, 1 end

-- On a line of its own, line ends kept, other bytes that cannot be shown left out.
local function put_ascii(buf, p, len)
    if p[0] ~= NEWLINE then buf:put("\n") end
    local to, used = buf:reserve(len + 1), 0
    for i = 0, len - 1 do
        local c = p[i]
        to[used] = ASCII[c]
        -- the second half of \r\n takes the place of the first
        if c == RETURN and i + 1 < len and p[i + 1] == NEWLINE then used = used - 1 end
        used = used + IS_ASCII[c]
    end
    buf:commit(used)
end

local HEX = ffi.new("uint16_t[256]")
for c = 0, 255 do
    local digits = ("%02x"):format(c)
    HEX[c] = digits:byte(1) + 256 * digits:byte(2)
end

-- Groups of two bytes with blanks between them, in `width` characters.
local function put_hex_row(buf, p, count, width)
    local to = buf:reserve(width)
    fill(to, width, BLANK)
    for i = 0, count - 1 do cast(u16p, to + 2 * i + rshift(i, 1))[0] = HEX[p[i]] end
    buf:commit(width)
end

local function put_hex(buf, p, len)
    buf:put("\n")
    for at = 0, len - 1, ROW do
        local count = min(ROW, len - at)
        buf:putf("\t0x%04x: ", at)
        put_hex_row(buf, p + at, count, 2 * count + rshift(count - 1, 1))
        buf:put("\n")
    end
end

-- characters of a full row and of the blanks behind it; an odd last byte has two fewer
local ROW_WIDTH = 2 * ROW + ROW / 2 + 1

local function put_hexascii(buf, p, len)
    buf:put("\n")
    for at = 0, len - 1, ROW do
        local count = min(ROW, len - at)
        buf:putf("\t0x%04x: ", at)
        put_hex_row(buf, p + at, count, ROW_WIDTH - 2 * band(count, 1))
        put_dotted(buf, p + at, count)
        buf:put("\n")
    end
end

local ALPHABET = ffi.new("uint8_t[65]", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")

local function put_base64(buf, p, len)
    local size = 4 * math.ceil(len / 3)
    local to = buf:reserve(size)
    for at = 0, len - 1, 3 do
        local second, third = at + 1 < len and p[at + 1] or 0, at + 2 < len and p[at + 2] or 0
        local group = bor(lshift(p[at], 16), lshift(second, 8), third)
        to[0], to[1] = ALPHABET[rshift(group, 18)], ALPHABET[band(rshift(group, 12), 63)]
        to[2], to[3] = ALPHABET[band(rshift(group, 6), 63)], ALPHABET[band(group, 63)]
        to = to + 4
    end
    local lacking = size / 4 * 3 - len
    if lacking >= 1 then to[-1] = PAD end
    if lacking == 2 then to[-2] = PAD end
    buf:commit(size)
end

local MODES = {
    normal = put_normal, ascii = put_ascii, hex = put_hex, hexascii = put_hexascii, base64 = put_base64,
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

-- Append the text of `len` bytes at `p` in the chosen form; nothing for an empty buffer.
function M.put(buf, p, len)
    if len > 0 then MODES[mode](buf, p, len) end
end

return M
