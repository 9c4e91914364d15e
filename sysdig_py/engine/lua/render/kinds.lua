-- How a value of each parameter type is written: a plain form, and where there is one a readable form
-- (`4` and `<f>/etc/passwd`, `-2` and `ENOENT`).
--
-- A writer is two functions: plain(buf, p, len, i) appends the value of `len` bytes at `p`, parameter i of the current
-- event; readable(buf, open, close, p, len, i) appends its readable form between `open` and `close`, or returns false
-- when the value has none. Neither builds a text that is not kept.
local ffi = require("ffi")
local dialect = require("dialect")
local ev = require("ev")
local decode = require("decode")
local memo = require("fields.memo")
local ports = require("ports")
local schema = require("schema_data")
local address = require("state.address")
local threads = require("state.threads")
local users = require("state.users")
local buffers = require("render.buffer")
local fdtext = require("render.fd")
local names = require("render.names")
local number = require("render.number")

local M = {}

local cast, string_at = ffi.cast, ffi.string
local u64p, doublep = ffi.typeof("uint64_t *"), ffi.typeof("const double *")
local NONE_ID = 0xFFFFFFFF
local NO_TIME = 0xFFFFFFFFFFFFFFFFULL
local AF_UNIX, UNIX_TUPLE, UNIX_PATH = 1, 17, 18
local UNKNOWN, SLASH = "<NA>", 47
-- a .scap file is shown the way sysdig shows it
local IS_SCAP = dialect.paired

local clean, put_signed, put_unsigned = fdtext.clean, number.put_signed, number.put_unsigned
local signed, unsigned = number.signed, number.unsigned

-- parameter type -> function spec -> plain, readable
local K = {}

local function same(plain, readable)
    return function() return plain, readable end
end

for _, name in ipairs({ "uint8", "uint16", "uint32", "uint64", "port", "abstime", "l4proto", "sockfamily" }) do
    K[name] = function(spec) return number.writer(false, spec.fmt) end
end
for _, name in ipairs({ "int8", "int16", "int32", "int64" }) do
    K[name] = function(spec) return number.writer(true, spec.fmt) end
end

K.fd = same(put_signed, function(buf, open, close, p, len)
    return fdtext.put_resolved(buf, open, close, signed(p, len))
end)

K.pid = same(put_signed, function(buf, open, close, p, len)
    local tid = signed(p, len)
    local thread = tid >= 0 and threads.get(tid)
    if not thread or thread.comm == UNKNOWN then return false end
    buf:put(open, clean(thread.comm), close)
    return true
end)

local function put_errno(buf, open, close, p, len)
    local value = signed(p, len)
    if value >= 0 then return false end
    local name = schema.errno[-value]
    if not name then return false end
    buf:put(open, name, close)
    return true
end

function K.errno(spec)
    if spec.fmt == "hex" then return number.put_hexadecimal end
    return put_signed, put_errno
end

-- Readable form that is looked up: `name_of(value)` is nil or false when there is none.
local function looked_up(name_of)
    return function(buf, open, close, p, len)
        local name = name_of(unsigned(p, len))
        if not name then return false end
        buf:put(open, name, close)
        return true
    end
end

K.syscallid = same(put_unsigned, looked_up(function(value) return schema.syscall_names[value] end))
K.sigtype = same(put_unsigned, looked_up(function(value) return schema.signals[value] end))

local function is_no_time(p, len)
    return len == 8 and cast(u64p, p)[0] == NO_TIME
end

K.reltime = same(function(buf, p, len)
    if is_no_time(p, len) then
        buf:put("none")
    else
        put_unsigned(buf, p, len)
    end
end, function(buf, open, close, p, len)
    if is_no_time(p, len) then return false end
    buf:put(open)
    buf:putf("%gs", unsigned(p, len) / 1e9)
    buf:put(close)
    return true
end)

-- sysdig leaves out of a path what it cannot show
local fit_to_show = IS_SCAP and fdtext.printable or clean

-- Append a text; most need no change, and then no string is made of them.
local function put_shown(buf, p, len)
    if buffers.put_printable(buf, p, decode.text_len(p, len)) then return end
    buf:put(fit_to_show(decode.text_at(p, len)))
end

K.charbuf = same(IS_SCAP and function(buf, p, len)
    buf:putcdata(p, decode.text_len(p, len))
end or put_shown)

function K.fspath(spec)
    local dirfd = spec.dirfd
    return put_shown, function(buf, open, close, p, len)
        if p[0] == SLASH then return false end
        local full = names.resolved_path(decode.text_at(p, len), dirfd)
        if not full then return false end
        buf:put(open, full, close)
        return true
    end
end
K.fsrelpath = K.fspath

K.bytebuf = same(buffers.put)
K.charbufarray = same(buffers.put_dotted)
K.charbuf_pair_array = K.charbufarray

local function readable_flags(spec)
    local spelled = names.flags(spec.flags)
    return spelled and looked_up(spelled)
end

for _, name in ipairs({ "flags8", "flags16", "flags32", "enumflags8", "enumflags16", "enumflags32" }) do
    K[name] = function(spec) return put_unsigned, readable_flags(spec) end
end

function K.mode(spec)
    return number.put_octal, readable_flags(spec)
end

-- Text of a value by its bytes; remembered, unless ports are shown by name, which depends on more than the bytes.
local function by_bytes(make)
    local known = memo.one(make)
    return function(p, len)
        local raw = string_at(p, len)
        if ports.by_name() then return make(raw) end
        return known(raw)
    end
end

local function family_text(family)
    return "family " .. family
end

local tuple_text = by_bytes(function(raw)
    local family, sip, sport, dip, dport = decode.tuple_at(cast("const uint8_t *", raw), #raw)
    if not dip then return family_text(family) end
    local short_s, short_d = address.unmapped(sip), address.unmapped(dip)
    if #short_s == #short_d then sip, dip = short_s, short_d end
    return address.pair(sip, sport, dip, dport)
end)

K.socktuple = same(function(buf, p, len)
    if p[0] ~= AF_UNIX or len < UNIX_TUPLE then
        buf:put(tuple_text(p, len))
        return
    end
    buf:putf("%x->%x ", cast(u64p, p + 1)[0], cast(u64p, p + 9)[0])
    if len >= UNIX_PATH then buf:put(clean(decode.text_at(p + UNIX_TUPLE, len - UNIX_TUPLE))) end
end)

local address_text = by_bytes(function(raw)
    local family, ip, port = decode.sockaddr_at(cast("const uint8_t *", raw), #raw)
    if port then return address.endpoint(IS_SCAP and ip or address.unmapped(ip), port) end
    if family == AF_UNIX then return clean(ip or "") end
    return family_text(family)
end)

K.sockaddr = same(function(buf, p, len)
    buf:put(address_text(p, len))
end)

local function put_polled(buf, p, i)
    local num, flags = fdtext.polled_entry(p, i)
    local fds, n = ev.thread.fds, tonumber(num)
    local fd = n >= 0 and fds and fds[n]
    buf:putf("%u:", cast("uint64_t", num))
    buf:put(fd and fdtext.typechar(fd) or "?")
    buf:putf("%x", flags)
end

K.fdlist = same(function(buf, p, len)
    local count = fdtext.polled(p, len)
    if count == 0 then return end
    put_polled(buf, p, 0)
    for i = 1, count - 1 do
        buf:put(" ")
        put_polled(buf, p, i)
    end
end)

K.sigset = same(function(buf, p, len)
    buf:put(names.signals(unsigned(p, len)))
end)

local function put_id(buf, p, len)
    local value = unsigned(p, len)
    buf:putf("%d", value == NONE_ID and -1 or value)
end

local function id_kind(list)
    return same(put_id, function(buf, open, close, p, len)
        local value, name = unsigned(p, len), "<NONE>"
        -- a number that large in a look-up is something LuaJIT does not compile
        if value ~= NONE_ID then
            local entry = list[value]
            name = entry and clean(entry.name) or UNKNOWN
        end
        buf:put(open, name, close)
        return true
    end)
end

K.uid, K.gid = id_kind(users.by_uid), id_kind(users.by_gid)

K.bool = same(function(buf, p, len)
    buf:put(unsigned(p, len) ~= 0 and "true" or "false")
end)

K.ipv4addr = same(function(buf, p, len)
    buf:put(address.text(string_at(p, len)))
end)
K.ipv6addr = K.ipv4addr

K.double = same(function(buf, p)
    buf:putf("%g", cast(doublep, p)[0])
end)

local function nothing() end

local known = {}

-- The writer of a parameter, remembered by its row in the schema.
local function of(spec)
    local writer = known[spec]
    if writer then return writer end
    local plain, readable = (K[spec.type] or same(nothing))(spec)
    writer = { plain = plain, readable = readable }
    known[spec] = writer
    return writer
end
M.of = of

-- A parameter that tells its own type.
local function variant_of(i)
    local variant, p, len = decode.dyn(i)
    if not variant or len == 0 then return nil end
    return of(variant), p, len
end

K.dyn = same(function(buf, _, _, i)
    local writer, p, len = variant_of(i)
    if writer then writer.plain(buf, p, len, i) end
end, function(buf, open, close, _, _, i)
    local writer, p, len = variant_of(i)
    if not writer or not writer.readable then return false end
    return writer.readable(buf, open, close, p, len, i)
end)

-- Aliases.
K.fd32, K.pid32 = K.fd, K.pid

-- What stands for a parameter without bytes.
M.WHEN_EMPTY = { socktuple = "NULL", sockaddr = "NULL" }

return M
