-- IP packets made up of what is known: addresses, ports, sequence numbers, and as much of the payload as was captured.
-- The lengths in the headers are those of the whole packet; checksums are right where the whole payload is there.
local ffi = require("ffi")
local bit = require("bit")
local blocks = require("pcapng.blocks")

local M = {}

local cast, copy, fill = ffi.cast, ffi.copy, ffi.fill
local u8p, u16p = ffi.typeof("uint8_t *"), ffi.typeof("const uint16_t *")
local band, bor, rshift, lshift = bit.band, bit.bor, bit.rshift, bit.lshift

M.FIN, M.SYN, M.RST, M.PSH, M.ACK = 1, 2, 4, 8, 16
-- of one packet, so that its length fits into 16 bits with all headers
M.LARGEST = 65483

local TCP, UDP = 6, 17
local TTL, WINDOW = 64, 65535
-- maximum segment size, nothing, window scale: with the largest scale no window is ever full
local SYN_OPTIONS = "\2\4\255\203\1\3\3\14"
local packet_id = 0

local function put16(p, value)
    p[0], p[1] = band(rshift(value, 8), 255), band(value, 255)
end

local function put32(p, value)
    put16(p, math.floor(value / 65536))
    put16(p + 2, value % 65536)
end

-- Sum of 16-bit words in the order of memory; the sum of ones' complements does not mind which.
local function sum(p, length)
    local words, total = cast(u16p, p), 0
    for i = 0, rshift(length, 1) - 1 do total = total + words[i] end
    if band(length, 1) == 1 then total = total + p[length - 1] end
    return total
end

local function folded(total)
    while total > 65535 do total = total % 65536 + math.floor(total / 65536) end
    return 65535 - total
end

local function swapped(value)
    return bor(lshift(band(value, 255), 8), rshift(value, 8))
end

-- Header for `length` bytes of the protocol; returns its size and the sum of the pseudo header.
local function put_ip(p, source, destination, protocol, length)
    local pseudo = swapped(protocol) + swapped(length)
    if #source == 4 then
        packet_id = (packet_id + 1) % 65536
        p[0], p[1] = 0x45, 0
        put16(p + 2, 20 + length)
        put16(p + 4, packet_id)
        put16(p + 6, 0x4000) -- do not fragment
        p[8], p[9], p[10], p[11] = TTL, protocol, 0, 0
        copy(p + 12, source, 4)
        copy(p + 16, destination, 4)
        cast("uint16_t *", p + 10)[0] = folded(sum(p, 20))
        return 20, pseudo + sum(p + 12, 8)
    end
    fill(p, 8)
    p[0], p[6], p[7] = 0x60, protocol, TTL
    put16(p + 4, length)
    copy(p + 8, source, 16)
    copy(p + 24, destination, 16)
    return 40, pseudo + sum(p + 8, 32)
end

local function put_payload(p, payload, captured)
    if captured > 0 then copy(p, payload, captured) end
end

-- What of `payload` is in a packet of `size` bytes, when `available` bytes of it were captured.
local function captured_of(size, available)
    return math.max(0, math.min(size, available))
end

-- A TCP segment of `size` bytes from `a` (ip, port) to `b` (ip, port); at: { interface, ns, direction, comment }.
function M.tcp(at, a_ip, a_port, b_ip, b_port, seq, ack, flags, payload, available, size)
    local captured = captured_of(size, available)
    local options = band(flags, M.SYN) ~= 0 and #SYN_OPTIONS or 0
    local ip_size = #a_ip == 4 and 20 or 40
    local head = ip_size + 20 + options
    local p = cast(u8p, blocks.begin(head + captured, at.comment))
    local _, pseudo = put_ip(p, a_ip, b_ip, TCP, 20 + options + size)
    local t = p + ip_size
    put16(t, a_port)
    put16(t + 2, b_port)
    put32(t + 4, seq)
    put32(t + 8, ack)
    t[12], t[13] = lshift(5 + options / 4, 4), flags
    put16(t + 14, WINDOW)
    fill(t + 16, 4)
    if options > 0 then copy(t + 20, SYN_OPTIONS, options) end
    put_payload(t + 20 + options, payload, captured)
    cast("uint16_t *", t + 16)[0] = folded(pseudo + sum(t, 20 + options + captured))
    blocks.packet(at.interface, at.ns, head + captured, head + size, at.direction, at.comment)
end

-- A UDP datagram; as `tcp`.
function M.udp(at, a_ip, a_port, b_ip, b_port, payload, available, size)
    local captured = captured_of(size, available)
    local ip_size = #a_ip == 4 and 20 or 40
    local head = ip_size + 8
    local p = cast(u8p, blocks.begin(head + captured, at.comment))
    local _, pseudo = put_ip(p, a_ip, b_ip, UDP, 8 + size)
    local t = p + ip_size
    put16(t, a_port)
    put16(t + 2, b_port)
    put16(t + 4, 8 + size)
    put16(t + 6, 0)
    put_payload(t + 8, payload, captured)
    local check = folded(pseudo + sum(t, 8 + captured))
    -- 0 would mean that there is none
    cast("uint16_t *", t + 6)[0] = check == 0 and 65535 or check
    blocks.packet(at.interface, at.ns, head + captured, head + size, at.direction, at.comment)
end

return M
