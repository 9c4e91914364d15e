-- Addresses as text. Raw addresses are 4 or 16 bytes in network order; texts are cached by raw bytes.
local ports = require("ports")

local M = {}

local CACHE_LIMIT = 65536
local cache, cached = {}, 0

local V4_MAPPED = ("\0"):rep(10) .. "\255\255"

local function text_of_v6(raw)
    local groups, best_at, best_len = {}, nil, 1
    local run_at, run_len = nil, 0
    for g = 1, 8 do
        local hi, lo = raw:byte(2 * g - 1, 2 * g)
        groups[g] = hi * 256 + lo
        if groups[g] == 0 then
            run_at, run_len = run_at or g, run_len + 1
            if run_len > best_len then best_at, best_len = run_at, run_len end
        else
            run_at, run_len = nil, 0
        end
    end
    local text, g = {}, 1
    while g <= 8 do
        if g == best_at then
            text[#text + 1] = (g == 1) and "::" or ":"
            g = g + best_len
        else
            text[#text + 1] = ("%x"):format(groups[g]) .. (g < 8 and ":" or "")
            g = g + 1
        end
    end
    return table.concat(text)
end

local COMPATIBLE = ("\0"):rep(12)

-- The last four bytes of an address that stands for an IPv4 one are written as that.
local function text_of_v4_in_v6(raw)
    local head, a, b, c, d = raw:sub(1, 12), raw:byte(13, 16)
    if head ~= V4_MAPPED and (head ~= COMPATIBLE or (a == 0 and b == 0)) then return nil end
    return ("%s%d.%d.%d.%d"):format(head == V4_MAPPED and "::ffff:" or "::", a, b, c, d)
end

local function text_of(raw)
    if #raw == 4 then return ("%d.%d.%d.%d"):format(raw:byte(1, 4)) end
    if #raw == 16 then return text_of_v4_in_v6(raw) or text_of_v6(raw) end
    return ""
end

-- Dotted or colon text of a raw address, "" for anything else.
function M.text(raw)
    local text = cache[raw]
    if text then return text end
    if cached >= CACHE_LIMIT then cache, cached = {}, 0 end
    text = text_of(raw)
    cache[raw], cached = text, cached + 1
    return text
end

-- An IPv4 address in IPv6 clothes becomes IPv4; others stay.
function M.unmapped(raw)
    if #raw == 16 and raw:sub(1, 12) == V4_MAPPED then return raw:sub(13) end
    return raw
end

-- Raw bytes of a dotted IPv4 text, nil when it is none.
function M.parse_v4(text)
    local a, b, c, d = text:match("^(%d+)%.(%d+)%.(%d+)%.(%d+)$")
    if not a then return nil end
    a, b, c, d = tonumber(a), tonumber(b), tonumber(c), tonumber(d)
    if a > 255 or b > 255 or c > 255 or d > 255 then return nil end
    return string.char(a, b, c, d)
end

function M.is_any(raw)
    return not raw:find("[^%z]")
end

function M.is_loopback(raw)
    if #raw == 4 then return raw:byte(1) == 127 end
    return raw == ("\0"):rep(15) .. "\1"
end

-- ip:port
function M.endpoint(raw, port, l4)
    return M.text(raw) .. ":" .. ports.of(port, l4)
end

-- sip:sport->dip:dport
function M.pair(sip, sport, dip, dport, l4)
    return M.endpoint(sip, sport, l4) .. "->" .. M.endpoint(dip, dport, l4)
end

local function hex(raw8)
    local text = {}
    for i = 8, 1, -1 do text[#text + 1] = ("%02x"):format(raw8:byte(i)) end
    local all = table.concat(text):gsub("^0+", "")
    return all == "" and "0" or all
end

-- Text of a unix tuple: SRC->DST PATH, ends as hex of the kernel's socket addresses. The blank stays without a path.
function M.unix(src8, dst8, path)
    return hex(src8) .. "->" .. hex(dst8) .. " " .. path
end

return M
