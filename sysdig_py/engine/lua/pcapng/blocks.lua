-- Blocks of a pcapng file (draft-ietf-opsawg-pcapng), little-endian, written into one growing buffer that is taken once
-- per batch. The section header is written by whoever owns the file.
local ffi = require("ffi")
local bit = require("bit")
local growing = require("growing")

local M = {}

local cast, copy, fill = ffi.cast, ffi.copy, ffi.fill
local u16p, u32p = ffi.typeof("uint16_t *"), ffi.typeof("uint32_t *")
local band = bit.band

local INTERFACE, PACKET = 1, 6
local LINK_RAW = 101 -- LINKTYPE_RAW: the packet begins with its IP header, of either version
local COMMENT, END = 1, 0
local IF_NAME, IF_DESCRIPTION, IF_TSRESOL, NANOSECONDS = 2, 3, 9, 9
local EPB_FLAGS = 2
local PACKET_HEAD = 28
M.INBOUND, M.OUTBOUND = 1, 2

ffi.cdef [[
typedef union { int64_t ns; struct { uint32_t low, high; }; } sdpy_packet_time;
]]

local file, time = growing.new(65536), ffi.new("sdpy_packet_time")
local interfaces = 0

local function padded(length)
    return band(length + 3, -4)
end

-- Room for `size` more bytes; returns where they go.
local function reserve(size)
    growing.reserve(file, size)
    return file.at + file.used
end

-- Everything written since the last call.
function M.take()
    local used = file.used
    file.used = 0
    return ffi.string(file.at, used)
end

-- An option at `p`; returns where the next one goes.
local function put_option(p, code, text)
    local length = #text
    local head = cast(u16p, p)
    head[0], head[1] = code, length
    local last = cast(u32p, p + padded(length))
    last[0] = length == 0 and last[0] or 0
    if length > 0 then
        copy(p + 4, text, length)
        fill(p + 4 + length, padded(length) - length)
    end
    return p + 4 + padded(length)
end

local function option_size(text)
    return 4 + padded(#text)
end

-- The total length stands at both ends of a block.
local function close(block, type, size)
    local words = cast(u32p, block)
    words[0], words[1] = type, size
    cast(u32p, block + size - 4)[0] = size
    file.used = file.used + size
end

-- Describe an interface; returns its number.
function M.interface(name, description)
    local size = 16 + option_size(name) + option_size(description) + option_size("\9") + 4 + 4
    local block = reserve(size)
    cast(u16p, block + 8)[0], cast(u16p, block + 8)[1] = LINK_RAW, 0
    cast(u32p, block + 12)[0] = 0 -- no limit to the length of packets
    local p = put_option(block + 16, IF_NAME, name)
    p = put_option(p, IF_DESCRIPTION, description)
    p = put_option(p, IF_TSRESOL, string.char(NANOSECONDS))
    cast(u32p, p)[0] = END
    close(block, INTERFACE, size)
    interfaces = interfaces + 1
    return interfaces - 1
end

local function packet_size(captured, comment)
    return PACKET_HEAD + padded(captured) + 8 + option_size(comment) + 4 + 4
end

-- Room for the `captured` bytes of a packet, as a pointer to them; `packet` must follow once they are there.
function M.begin(captured, comment)
    return reserve(packet_size(captured, comment)) + PACKET_HEAD
end

-- The packet whose bytes were put where `begin` said: when, how long it was, and what is known about it.
function M.packet(interface, ns, captured, original, direction, comment)
    local block = file.at + file.used
    local words = cast(u32p, block)
    time.ns = ns
    words[2], words[3], words[4], words[5], words[6] = interface, time.high, time.low, captured, original
    fill(block + PACKET_HEAD + captured, padded(captured) - captured)
    local p = block + PACKET_HEAD + padded(captured)
    cast(u16p, p)[0], cast(u16p, p)[1] = EPB_FLAGS, 4
    cast(u32p, p)[1] = direction
    p = put_option(p + 8, COMMENT, comment)
    cast(u32p, p)[0] = END
    close(block, PACKET, packet_size(captured, comment))
end

return M
