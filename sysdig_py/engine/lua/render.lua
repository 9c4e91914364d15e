-- Arguments of the current event as text, by sysdig's rules: a plain form, and where there is one a readable form
-- (`4` and `<f>/etc/passwd`, `-2` and `ENOENT`). Only sinks that print come here.
local ffi = require("ffi")
local bit = require("bit")
local dialect = require("dialect")
local ev = require("ev")
local decode = require("decode")
local schema = require("schema_data")
local address = require("state.address")
local path = require("state.path")
local threads = require("state.threads")
local users = require("state.users")
local buffers = require("render.buffer")
local number = require("render.number")
local fdtext = require("render.fd")

local M = {}

local format, byte, gsub, concat = string.format, string.byte, string.gsub, table.concat
local UNKNOWN = "<NA>"
local NONE_ID = 0xFFFFFFFF
local NO_TIME = "18446744073709551615"
local GENERIC_EXIT = 1
local SLASH = 47
-- a .scap file is shown the way sysdig shows it
local IS_SCAP = dialect.paired

local clean = fdtext.clean
M.clean = clean

-- Name of the errno behind a negative result; nil when there is none.
local function errno_name(value)
    return value < 0 and schema.errno[-value] or nil
end
M.errno_name = errno_name

-- Spelled-out flags: an entry equal to the whole value ends the walk, otherwise every entry whose bits are all left
-- takes them away; the zero entry stands for 0 only.
local function flag_names(rows, value)
    local left, names = value, {}
    for i = 1, #rows do
        local name, bits = rows[i][1], rows[i][2]
        if bits == value then
            names[#names + 1] = name
            break
        elseif bits ~= 0 and bit.band(left, bits) == bit.tobit(bits) then
            names[#names + 1] = name
            left = bit.band(left, bit.bnot(bits))
        end
    end
    return #names > 0 and concat(names, "|") or nil
end
M.flag_names = flag_names

local R = {}

local function unsigned(spec, p, len)
    return number.text(p, len, false, spec.fmt)
end

local function signed(spec, p, len)
    return number.text(p, len, true, spec.fmt)
end

for _, name in ipairs({ "uint8", "uint16", "uint32", "uint64", "port", "abstime", "l4proto", "sockfamily" }) do
    R[name] = unsigned
end
for _, name in ipairs({ "int8", "int16", "int32", "int64" }) do R[name] = signed end

function R.fd(_, p, len)
    local value = number.signed(p, len)
    return number.decimal(value), fdtext.resolved(tonumber(value))
end
R.fd32 = R.fd

function R.pid(_, p, len)
    local value = number.signed(p, len)
    local thread = threads.get(tonumber(value))
    return number.decimal(value), thread and thread.comm ~= UNKNOWN and clean(thread.comm) or nil
end
R.pid32 = R.pid

function R.errno(spec, p, len)
    if spec.fmt == "hex" then return number.text(p, len, true, "hex") end
    local value = number.signed(p, len)
    return number.decimal(value), errno_name(tonumber(value))
end

function R.syscallid(_, p, len)
    local value = number.unsigned(p, len)
    return number.decimal(value), schema.syscall_names[tonumber(value)]
end

function R.sigtype(_, p, len)
    local value = number.unsigned(p, len)
    return number.decimal(value), schema.signals[tonumber(value)]
end

function R.reltime(_, p, len)
    local value = number.unsigned(p, len)
    local text = number.decimal(value)
    if text == NO_TIME then return "none" end
    return text, format("%gs", tonumber(value) / 1e9)
end

function R.charbuf(_, p, len)
    return clean(decode.text_at(p, len))
end

-- Directory a relative path starts from, nil when it is not known; `dirfd` is the parameter that names it.
local function base_of(dirfd)
    local num = dirfd and ev.info.params[dirfd + 1].type == "fd" and decode.int(dirfd)
    if not num or num == fdtext.AT_FDCWD then
        local cwd = ev.thread.cwd
        return cwd ~= "./" and cwd or nil
    end
    local fd = ev.thread.fds and ev.thread.fds[num]
    if fd and fd.name ~= "" then return fd.name .. "/" end
    return IS_SCAP and "" or nil
end

-- Absolute form of a relative path, nil when it is none or its start is not known.
local function resolved_path(text, dirfd)
    if text == "<NA>" or byte(text, 1) == SLASH or (text == "" and not IS_SCAP) then return nil end
    local base = base_of(dirfd)
    local full = base and path.join(base, text)
    return full ~= "" and full or nil
end
M.resolved_path = resolved_path

-- sysdig leaves out of a path what it cannot show.
local function path_text(text)
    return IS_SCAP and (gsub(text, "[^\32-\126]", "")) or clean(text)
end

function R.fspath(spec, p, len)
    local text = decode.text_at(p, len)
    return path_text(text), resolved_path(text, spec.dirfd)
end
R.fsrelpath = R.fspath

function R.bytebuf(_, p, len)
    return buffers.text(ffi.string(p, len))
end

function R.charbufarray(_, p, len)
    return buffers.dotted(ffi.string(p, len))
end
R.charbuf_pair_array = R.charbufarray

local function flags(spec, p, len)
    local value = number.unsigned(p, len)
    local rows = schema.flags[spec.flags]
    return number.decimal(value), rows and flag_names(rows, tonumber(value)) or nil
end

for _, name in ipairs({ "flags8", "flags16", "flags32", "enumflags8", "enumflags16", "enumflags32" }) do
    R[name] = flags
end

function R.mode(spec, p, len)
    local value = tonumber(number.unsigned(p, len))
    local rows = schema.flags[spec.flags]
    return number.octal(value), rows and flag_names(rows, value) or nil
end

local function pair_text(sip, sport, dip, dport)
    local short_s, short_d = address.unmapped(sip), address.unmapped(dip)
    if #short_s == #short_d then sip, dip = short_s, short_d end
    return address.pair(sip, sport, dip, dport)
end

function R.socktuple(_, _, _, i)
    local family, sip, sport, dip, dport = decode.tuple(i)
    if dip then return pair_text(sip, sport, dip, dport) end
    local source, destination, name = decode.unix(i)
    if source then return clean(address.unix(source, destination, name)) end
    return "family " .. (family or 0)
end

function R.sockaddr(_, _, _, i)
    local family, ip, port = decode.sockaddr(i)
    if port then return address.endpoint(IS_SCAP and ip or address.unmapped(ip), port) end
    if family == 1 then return clean(ip or "") end
    return "family " .. (family or 0)
end

function R.fdlist(_, p, len)
    local out = {}
    for num, poll_flags in fdtext.polled(p, len) do
        local fd = ev.thread.fds and ev.thread.fds[num]
        local shown = number.decimal(num < 0 and ffi.cast("uint64_t", num) or num)
        out[#out + 1] = format("%s:%s%x", shown, fd and fdtext.typechar(fd) or "?", poll_flags)
    end
    return concat(out, " ")
end

function R.sigset(_, p, len)
    local value, names = tonumber(number.unsigned(p, len)), {}
    for signal = 1, 32 do
        if bit.band(bit.rshift(value, signal - 1), 1) == 1 then
            names[#names + 1] = schema.signals[signal]
        end
    end
    return concat(names, " ")
end

local function id_renderer(list)
    return function(_, p, len)
        local value = tonumber(number.unsigned(p, len))
        if value == NONE_ID then return "-1", "<NONE>" end
        local entry = list()[value]
        return format("%d", value), entry and clean(entry.name) or "<NA>"
    end
end

R.uid = id_renderer(function() return users.by_uid end)
R.gid = id_renderer(function() return users.by_gid end)

function R.bool(_, p, len)
    return number.unsigned(p, len) ~= 0 and "true" or "false"
end

function R.ipv4addr(_, p, len)
    return address.text(ffi.string(p, len))
end
R.ipv6addr = R.ipv4addr

function R.double(_, p)
    return format("%g", ffi.cast("const double *", p)[0])
end

function R.dyn(_, _, _, i)
    local variant, p, len = decode.dyn(i)
    local render = variant and R[variant.type]
    if not render or len == 0 then return "" end
    return render(variant, p, len, i)
end

local WHEN_EMPTY = { socktuple = "NULL", sockaddr = "NULL" }

-- Plain and readable form of parameter i (0-based); nil when the event does not have it.
local function value(i)
    local spec = ev.info.params[i + 1]
    if not spec or i >= decode.nparams() then return nil end
    local p, len = decode.param(i)
    if not p then return WHEN_EMPTY[spec.type] or "" end
    local render = R[spec.type]
    if not render then return "" end
    return render(spec, p, len, i)
end
M.value = value

-- The readable form of parameter i, else its plain form.
function M.argument(i)
    local plain, readable = value(i)
    return readable or plain
end

-- All arguments: `name=plain ` or `name=plain(readable) ` each. Calls without own parameters have none.
function M.arguments()
    if ev.type <= GENERIC_EXIT then return "" end
    local params, out = ev.info.params, {}
    for i = 0, math.min(#params, decode.nparams()) - 1 do
        local plain, readable = value(i)
        out[#out + 1] = params[i + 1].name .. "=" .. plain .. (readable and "(" .. readable .. ") " or " ")
    end
    return concat(out)
end

return M
