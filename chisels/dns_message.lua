-- The header and the question of a DNS message (RFC 1035), from as many of its bytes as were captured.

local M = {}

local HEADER = 12
local MAX_LABEL = 63
local TYPES = {
    [1] = "A", [2] = "NS", [5] = "CNAME", [6] = "SOA", [12] = "PTR", [15] = "MX", [16] = "TXT", [28] = "AAAA",
    [33] = "SRV", [35] = "NAPTR", [43] = "DS", [46] = "RRSIG", [48] = "DNSKEY", [52] = "TLSA", [64] = "SVCB",
    [65] = "HTTPS", [252] = "AXFR", [255] = "ANY",
}
local CODES = {
    [0] = "NOERROR", [1] = "FORMERR", [2] = "SERVFAIL", [3] = "NXDOMAIN", [4] = "NOTIMP", [5] = "REFUSED",
}

local function u16(data, at)
    local high, low = data:byte(at, at + 1)
    return low and high * 256 + low
end

-- The name that starts at `at` and the position behind it; nil when it is cut or is no name.
local function read_name(data, at)
    local labels = {}
    while true do
        local length = data:byte(at)
        if not length or length > MAX_LABEL then
            return nil
        elseif length == 0 then
            return #labels > 0 and table.concat(labels, ".") or ".", at + 1
        elseif at + length > #data then
            return nil
        end
        labels[#labels + 1] = data:sub(at + 1, at + length)
        at = at + length + 1
    end
end

-- Return {id, is_answer, code, answers, name, type}, or nil when these bytes are no DNS message with one question.
function M.parse(data)
    if #data < HEADER or u16(data, 5) ~= 1 then
        return nil
    end
    local name, behind = read_name(data, HEADER + 1)
    local kind = name and u16(data, behind)
    if not kind then
        return nil
    end
    local flags = u16(data, 3)
    return {
        id = u16(data, 1), is_answer = flags >= 0x8000, code = CODES[flags % 16] or "RCODE" .. flags % 16,
        answers = u16(data, 7), name = name, type = TYPES[kind] or "TYPE" .. kind,
    }
end

-- The same for data of a TCP connection, where a length comes first, unless it was read by itself before.
function M.parse_stream(data)
    return M.parse(data:sub(3)) or M.parse(data)
end

return M
