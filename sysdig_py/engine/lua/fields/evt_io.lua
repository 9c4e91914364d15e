-- Fields about input and output: direction, payload, size, and what an open was for.
local bit = require("bit")
local dialect = require("dialect")
local ev = require("ev")
local decode = require("decode")
local buffers = require("render.buffer")
local fdtext = require("render.fd")
local syslog = require("fields.syslog_message")
local schema = require("schema_data")

require("event_info")

local F = {}

local band = bit.band
local READS, WRITES, WAITS, IO = 8, 16, 128, 24
local OPEN_READ, OPEN_WRITE, OPEN_CREATE, OPEN_TMPFILE = 1, 2, 4, 8192
local ANY_EXEC = 73 -- 0111
local BASE, IO_FIRST, IO_LAST = 255, 32, 34

local function has(flag)
    return band(ev.info.flags, flag) ~= 0
end

local function flag_field(flag)
    return { get = function() return has(flag) end }
end

F["evt.is_io"] = flag_field(IO)
F["evt.is_io_read"] = flag_field(READS)
F["evt.is_io_write"] = flag_field(WRITES)
F["evt.is_wait"] = flag_field(WAITS)
F["evt.is_syslog"] = { get = syslog.is_write }

F["evt.io_dir"] = { get = function()
    if has(READS) then return "read" end
    return has(WRITES) and "write" or nil
end }

-- position of the payload per event type, false when it has none
local payload = {}
for code, info in pairs(schema.events) do
    local i = info.index and info.index.data
    payload[code] = i and info.params[i + 1].type == "bytebuf" and i or false
end

-- Position of the event's payload, nil when it has none.
local function payload_position()
    local i = payload[ev.type]
    return i and i < decode.nparams() and i or nil
end

-- Where the payload of the current event is, and how much of it was captured; nil, 0 without one.
local function payload_at()
    local i = payload[ev.type]
    if not i then return nil, 0 end
    local p, len = decode.param(i)
    return p, len or 0
end

F["evt.buffer"] = { get = function()
    local i = payload_position()
    return i and (decode.bytes(i) or "")
end, put = function(buf)
    local i = payload_position()
    if not i then return false end
    local p, len = decode.param(i)
    if p then buffers.put(buf, p, len) end
    return true
end, where = function()
    local i = payload_position()
    if not i then return nil, -1 end
    local p, len = decode.param(i)
    return p, len or 0
end }

-- Whether the event is one of those with `flags`; sysdig counts whatever is done with an fd as input or output.
local function concerns(flags)
    if not dialect.paired or flags ~= IO then return has(flags) end
    local base = band(ev.info.category, BASE)
    return base >= IO_FIRST and base <= IO_LAST
end

-- The result of the current event when it is a success with an fd, nil otherwise.
local function success()
    local res = ev.res
    if not ev.is_exit or not res or res < 0 or not ev.fd or ev.valid == false then return nil end
    return res
end

-- Bytes moved by the current event when it has all of `flags`, nil otherwise.
local function moved(flags)
    return concerns(flags) and success() or nil
end

-- Bytes the current event wrote, sent files included (of which no call shows the content); nil when it did not write.
local function written()
    if ev.info.name == "sendfile" then return success() end
    return moved(WRITES)
end

local function size_field(flags, accepts)
    return { get = function()
        local size = moved(flags)
        if not size or (accepts and not accepts(ev.fd)) then return nil end
        return size
    end }
end

for suffix, accepts in pairs({ [""] = false, [".file"] = fdtext.is_file, [".net"] = fdtext.is_ip }) do
    F["evt.buflen" .. suffix] = size_field(IO, accepts)
    F["evt.buflen" .. suffix .. ".in"] = size_field(READS, accepts)
    F["evt.buflen" .. suffix .. ".out"] = size_field(WRITES, accepts)
end

local OPENS = { open = true, openat = true, openat2 = true }

local function argument(name)
    local i = ev.info.index[name]
    return i and decode.num(i) or 0
end

local function opened_for(access)
    return { get = function()
        return ev.is_exit and OPENS[ev.info.name] == true and band(argument("flags"), access) ~= 0
    end }
end

F["evt.is_open_read"] = opened_for(OPEN_READ)
F["evt.is_open_write"] = opened_for(OPEN_WRITE)

local function creates()
    return ev.info.name == "creat"
        or (OPENS[ev.info.name] == true and band(argument("flags"), OPEN_CREATE + OPEN_TMPFILE) ~= 0)
end

F["evt.is_open_exec"] = { get = function()
    return ev.is_exit and creates() and band(argument("mode"), ANY_EXEC) ~= 0
end }

return { fields = F, moved = moved, written = written, payload = payload_at }
