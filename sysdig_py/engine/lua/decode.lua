-- Typed access to the parameters of the current event (or state record). Positions are 0-based.
-- Every access is checked against the record's own length: a damaged record yields nil, never a wild read.
local ffi = require("ffi")
local bit = require("bit")
local record = require("record")
local ev = require("ev")
local schema = require("schema_data")

local M = {}

local cur = record.cur
local cast, string_at, tonumber, band = ffi.cast, ffi.string, tonumber, bit.band
local C = ffi.C
local u8p, u16p, u32p = ffi.typeof("const uint8_t *"), ffi.typeof("const uint16_t *"), ffi.typeof("const uint32_t *")
local i8p, i16p, i32p = ffi.typeof("const int8_t *"), ffi.typeof("const int16_t *"), ffi.typeof("const int32_t *")
local i64p, u64p = ffi.typeof("const int64_t *"), ffi.typeof("const uint64_t *")
local HEADER, PREFIX, LARGE = record.HEADER_SIZE, record.PREFIX_SIZE, record.LARGE
local AF_UNIX, AF_INET, AF_INET6 = 1, 2, 10

-- Source of the sum of the lengths before position i, for i from `low` to `high`: a decision tree without a loop.
local function sum_tree(low, high)
    if low == high then
        local terms = { "0" }
        for k = 0, low - 1 do terms[k + 1] = ("lens[%d]"):format(k) end
        return "return " .. table.concat(terms, "+") .. " "
    end
    local middle = math.floor((low + high) / 2)
    local left, right = sum_tree(low, middle), sum_tree(middle + 1, high)
    return ("if i <= %d then %s else %s end "):format(middle, left, right)
end

local MAX_UNROLLED = 63

-- Sum of the first i lengths. Spelled out: a loop here would cut every trace through it in two.
local sum_unrolled = assert(loadstring("return function(lens, i) " .. sum_tree(0, MAX_UNROLLED) .. " end",
    "=sum_before"))()

local function sum_before(lens, i)
    if i <= MAX_UNROLLED then return sum_unrolled(lens, i) end
    local total = 0
    for k = 0, i - 1 do total = total + lens[k] end
    return total
end

M.sum_before = sum_before

local function located(lens, width, i)
    local rec = cur.rec
    local offset = HEADER + width * rec.nparams + sum_before(lens, i)
    local len = lens[i]
    if len == 0 or offset + len > PREFIX + rec.event_len then return nil end
    return cast(u8p, rec) + offset, len
end

local function param(i)
    local rec = cur.rec
    if i >= rec.nparams then return nil end
    local lens = cast(u8p, rec) + HEADER
    if band(rec.flags, LARGE) == 0 then return located(cast(u16p, lens), 2, i) end
    return located(cast(u32p, lens), 4, i)
end
M.param = param

function M.nparams()
    return cur.rec.nparams
end

local function signed_at(p, len)
    if len == 8 then return tonumber(cast(i64p, p)[0]) end
    if len == 4 then return cast(i32p, p)[0] end
    if len == 2 then return cast(i16p, p)[0] end
    if len == 1 then return cast(i8p, p)[0] end
    return nil
end

local function unsigned_at(p, len)
    if len == 8 then return tonumber(cast(u64p, p)[0]) end
    if len == 4 then return tonumber(cast(u32p, p)[0]) end
    if len == 2 then return cast(u16p, p)[0] end
    if len == 1 then return p[0] end
    return nil
end

-- The variant of a `dyn` parameter: its row in the dynamic table, pointer and length of the value.
function M.dyn(i)
    local p, len = param(i)
    if not p or len < 2 then return nil end
    local spec = ev.info.params[i + 1]
    local variants = spec and schema.dynamic[spec.dynamic]
    local variant = variants and variants[p[0] + 1]
    if not variant then return nil end
    return variant, p + 1, len - 1
end

local SIGNED = { int8 = true, int16 = true, int32 = true, int64 = true, errno = true, fd = true, pid = true }

local function dyn_num(i)
    local variant, p, len = M.dyn(i)
    if not variant then return nil end
    if SIGNED[variant.type] then return signed_at(p, len) end
    return unsigned_at(p, len)
end

-- Value as a number, by the stored length and the signedness of the schema's type; nil when absent or not an integer.
function M.num(i)
    local p, len = param(i)
    if not p then return nil end
    if ev.info.signed[i] then return signed_at(p, len) end
    local spec = ev.info.params[i + 1]
    if spec and spec.dynamic then return dyn_num(i) end
    return unsigned_at(p, len)
end

-- The same for parameters known to be signed, unsigned: no look at the schema.
function M.int(i)
    local p, len = param(i)
    if not p then return nil end
    return signed_at(p, len)
end

function M.uint(i)
    local p, len = param(i)
    if not p then return nil end
    return unsigned_at(p, len)
end

-- All 64 bits as uint64_t, sign-extended for signed types; nil when absent.
function M.u64(i)
    local p, len = param(i)
    if not p then return nil end
    if len == 8 then return cast(u64p, p)[0] end
    local value = M.num(i)
    return value and ffi.cast("uint64_t", ffi.cast("int64_t", value))
end

local LAST_EXACT = 0x20000000000000ULL -- 2^53

-- The same as a number where a number holds it exactly, else as uint64_t.
function M.exact(i)
    local p, len = param(i)
    if not p then return nil end
    if len == 8 and cast(u64p, p)[0] > LAST_EXACT then return cast(u64p, p)[0] end
    return M.num(i)
end

-- Length of the text at `p`, which ends with the first NUL.
local function text_len(p, len)
    local stop = cast(u8p, C.memchr(p, 0, len))
    if stop == nil then return len end
    return tonumber(stop - p)
end
M.text_len = text_len

-- Bytes up to the first NUL.
local function text_at(p, len)
    return string_at(p, text_len(p, len))
end
M.text_at = text_at

function M.str(i)
    local p, len = param(i)
    if not p then return nil end
    return text_at(p, len)
end

function M.bytes(i)
    local p, len = param(i)
    if not p then return nil end
    return string_at(p, len)
end

-- A list of NUL-terminated strings without its last NUL.
function M.list(i)
    local p, len = param(i)
    if not p then return nil end
    if p[len - 1] == 0 then len = len - 1 end
    return string_at(p, len)
end

-- The same with a NUL behind every string, which tells one empty string from none.
function M.words(i)
    local p, len = param(i)
    if not p then return nil end
    local text = string_at(p, len)
    return p[len - 1] == 0 and text or text .. "\0"
end

local function port_at(p)
    return cast(u16p, p)[0]
end

-- What tuple() gives, of the tuple at `p`.
local function tuple_at(p, len)
    local family = p[0]
    if family == AF_INET and len >= 13 then
        return family, string_at(p + 1, 4), port_at(p + 5), string_at(p + 7, 4), port_at(p + 11)
    elseif family == AF_INET6 and len >= 37 then
        return family, string_at(p + 1, 16), port_at(p + 17), string_at(p + 19, 16), port_at(p + 35)
    elseif family == AF_UNIX and len > 17 then
        return family, text_at(p + 17, len - 17)
    end
    return family
end
M.tuple_at = tuple_at

-- family, sip, sport, dip, dport; unix: 1, path (see unix()); other family: the family alone; nil when absent.
function M.tuple(i)
    local p, len = param(i)
    if not p then return nil end
    return tuple_at(p, len)
end

-- A unix tuple: source and destination as 8 raw bytes (kernel addresses), path. nil when the tuple is not unix.
function M.unix(i)
    local p, len = param(i)
    if not p then return nil end
    return M.unix_at(p, len)
end

function M.unix_at(p, len)
    if p[0] ~= AF_UNIX or len < 17 then return nil end
    return string_at(p + 1, 8), string_at(p + 9, 8), len > 17 and text_at(p + 17, len - 17) or ""
end

-- What sockaddr() gives, of the address at `p`.
local function sockaddr_at(p, len)
    local family = p[0]
    if family == AF_INET and len >= 7 then
        return family, string_at(p + 1, 4), port_at(p + 5)
    elseif family == AF_INET6 and len >= 19 then
        return family, string_at(p + 1, 16), port_at(p + 17)
    elseif family == AF_UNIX and len > 1 then
        return family, text_at(p + 1, len - 1)
    end
    return family
end
M.sockaddr_at = sockaddr_at

-- family, ip, port; unix: 1, path; other family: the family alone; nil when absent.
function M.sockaddr(i)
    local p, len = param(i)
    if not p then return nil end
    return sockaddr_at(p, len)
end

return M
