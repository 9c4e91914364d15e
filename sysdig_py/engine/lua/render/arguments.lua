-- The arguments of an event as straight-line code: one function per event type, number of parameters and width of
-- their lengths, made when the first such event comes.
local ffi = require("ffi")
local bit = require("bit")
local ev = require("ev")
local event_info = require("event_info")
local record = require("record")
local straight = require("straight")
local kinds = require("render.kinds")

local M = {}

local cur = record.cur
local band, min = bit.band, math.min
local GENERIC_EXIT, LARGE = event_info.GENERIC_X, record.LARGE
local HEADER, PREFIX = record.HEADER_SIZE, record.PREFIX_SIZE
-- more than any event type has
local MOST = 1024

-- Where the writing of an event's arguments is. In memory and not in Lua variables: with those alive at every branch,
-- LuaJIT gives up on the traces behind it.
local here = ffi.new([[struct {
    const uint8_t *p, *stop;       /* the bytes of the next parameter; the end of the record */
    const uint16_t *short_lens;
    const uint32_t *long_lens;
}]])

local u8p = ffi.typeof("const uint8_t *")

local function begin(rec, width)
    local lens = ffi.cast(u8p, rec) + HEADER
    here.short_lens, here.long_lens = ffi.cast("const uint16_t *", lens), ffi.cast("const uint32_t *", lens)
    here.p, here.stop = lens + width * rec.nparams, ffi.cast(u8p, rec) + PREFIX + rec.event_len
end

-- Statements for parameter i. One that does not lie in the record is an empty one.
local function add_parameter(code, spec, i, width, separator)
    local writer, at = kinds.of(spec), code:name(here)
    code:add("buf:put(%q)", separator .. spec.name .. "=")
    code:add("n, p = %s.%s[%d], %s.p", at, width == 2 and "short_lens" or "long_lens", i, at)
    code:add("%s.p = p + n", at)
    code:add("if n == 0 or p + n > %s.stop then buf:put(%q) else", at, kinds.WHEN_EMPTY[spec.type] or "")
    code:add("%s(buf, p, n, %d)", code:name(writer.plain), i)
    if writer.readable then code:add("%s(buf, '(', ')', p, n, %d)", code:name(writer.readable), i) end
    code:add("end")
end

local function compile(info, count, width)
    local code = straight.new("buf")
    code:add("local n, p")
    code:add("%s(%s.rec, %d)", code:name(begin), code:name(cur), width)
    for i = 0, count - 1 do add_parameter(code, info.params[i + 1], i, width, i > 0 and " " or "") end
    if count > 0 then code:add("buf:put(' ')") end
    return code:load("arguments of " .. info.name)
end

local made = {}
for code in pairs(event_info.events) do made[code] = {} end

-- Append all arguments: `name=plain ` or `name=plain(readable) ` each. Calls without own parameters have none.
function M.put(buf)
    if ev.type <= GENERIC_EXIT then return true end
    local rec, info = cur.rec, ev.info
    local is_large = band(rec.flags, LARGE) ~= 0
    local count = min(#info.params, rec.nparams)
    local functions = made[ev.type]
    local key = is_large and count + MOST or count
    local put = functions[key]
    if not put then
        put = compile(info, count, is_large and 4 or 2)
        functions[key] = put
    end
    put(buf)
    return true
end

return M
