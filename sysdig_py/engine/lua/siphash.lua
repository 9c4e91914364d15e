-- SipHash-2-4 (Aumasson, Bernstein: "SipHash: a fast short-input PRF", 2012): 64 bits of a text under a secret key.
-- Who does not have the key can neither guess texts nor make two that are alike.
local bit = require("bit")
local ffi = require("ffi")

local M = {}

local bxor, rol, lshift = bit.bxor, bit.rol, bit.lshift
local u64, u64p, u8p = ffi.typeof("uint64_t"), ffi.typeof("const uint64_t *"), ffi.typeof("const uint8_t *")
local key = ffi.new("uint64_t[2]")

-- Use this key of 16 bytes from now on.
function M.set_key(bytes)
    assert(#bytes == 16, "a key has 16 bytes")
    ffi.copy(key, bytes, 16)
end

local function round(v0, v1, v2, v3)
    v0, v2 = v0 + v1, v2 + v3
    v1, v3 = bxor(rol(v1, 13), v0), bxor(rol(v3, 16), v2)
    v0 = rol(v0, 32)
    v2, v0 = v2 + v1, v0 + v3
    v1, v3 = bxor(rol(v1, 17), v2), bxor(rol(v3, 21), v0)
    return v0, v1, rol(v2, 32), v3
end

local function last_word(p, len)
    local word = lshift(ffi.cast(u64, len % 256), 56)
    for i = 0, len % 8 - 1 do word = word + lshift(ffi.cast(u64, p[len - len % 8 + i]), 8 * i) end
    return word
end

local function take_in(word, v0, v1, v2, v3)
    v3 = bxor(v3, word)
    v0, v1, v2, v3 = round(v0, v1, v2, v3)
    v0, v1, v2, v3 = round(v0, v1, v2, v3)
    return bxor(v0, word), v1, v2, v3
end

-- The hash of `text` as 16 hexadecimal digits.
function M.hex(text)
    local p, len = ffi.cast(u8p, text), #text
    local v0, v1 = bxor(key[0], 0x736f6d6570736575ULL), bxor(key[1], 0x646f72616e646f6dULL)
    local v2, v3 = bxor(key[0], 0x6c7967656e657261ULL), bxor(key[1], 0x7465646279746573ULL)
    for i = 0, math.floor(len / 8) - 1 do
        v0, v1, v2, v3 = take_in(ffi.cast(u64p, p)[i], v0, v1, v2, v3)
    end
    v0, v1, v2, v3 = take_in(last_word(p, len), v0, v1, v2, v3)
    v2 = bxor(v2, 0xffULL)
    for _ = 1, 4 do v0, v1, v2, v3 = round(v0, v1, v2, v3) end
    return bit.tohex(bxor(v0, v1, v2, v3))
end

return M
