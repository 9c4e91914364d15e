-- Fields about when: time of day, time since the start, latency, time since the last event.
local ffi = require("ffi")
local bit = require("bit")
local dialect = require("dialect")
local ev = require("ev")
local written = require("written")

local F = {}
local style = "h"

local format, date, floor, tonumber = string.format, os.date, math.floor, tonumber
local SECOND = 1000000000
local INTERNAL = 256
local WAITS = 128
local IS_SCAP = dialect.paired
-- sysdig has no screen to spread latencies of a file over
local SCREEN, DECADES = IS_SCAP and -1 or 80, 11

-- os.date for whole seconds, asked once per second and form.
local function dates(form)
    local last, text = -1, ""
    return function(s)
        if s ~= last then last, text = s, date(form, s) end
        return text
    end
end

local time_of_day = dates("%H:%M:%S")
local local_date = dates("%Y-%m-%d %H:%M:%S")
local utc_date = dates("!%Y-%m-%dT%H:%M:%S")

-- A field by the function that appends it.
local function appended(put)
    return { get = written.text_of(put), put = put }
end

local function with_ns(form, ns_form)
    return appended(function(buf)
        local s, ns = ev.time()
        buf:put(form(s))
        buf:putf(ns_form, ns)
        return true
    end)
end

local function whole(form)
    return function()
        return form((ev.time()))
    end
end

F["evt.time"] = with_ns(time_of_day, ".%09d")
F["evt.time.s"] = { get = whole(time_of_day) }
F["evt.time.iso8601"] = with_ns(utc_date, ".%09d+0000")
F["evt.datetime"] = with_ns(local_date, ".%09d")
F["evt.datetime.s"] = { get = whole(local_date) }

-- Appends a number of ns with nine digits at least.
local function padded(get)
    return function(buf)
        local value = get()
        if not value then return false end
        buf:putf("%09d", value)
        return true
    end
end

-- Add NAME, NAME.s and NAME.ns for a getter of ns.
local function add_parts(name, get)
    F[name] = { get = get }
    F[name .. ".s"] = { get = function()
        local value = get()
        return value and floor(value / SECOND)
    end }
    local rest = function()
        local value = get()
        return value and value % SECOND
    end
    F[name .. ".ns"] = { get = rest, put = padded(rest) }
end

local function rawtime()
    return tonumber(ev.ts())
end

F["evt.rawtime"] = { get = rawtime, wide = function() return ev.ts() end, put = function(buf)
    local s, ns = ev.time()
    buf:putf("%d%09d", s, ns)
    return true
end }
F["evt.rawtime.s"] = { get = function() return (ev.time()) end }
F["evt.rawtime.ns"] = {
    get = function()
        local _, ns = ev.time()
        return ns
    end,
    put = function(buf)
        local _, ns = ev.time()
        buf:putf("%09d", ns)
        return true
    end,
}

local function reltime()
    return ev.rel
end

add_parts("evt.reltime", reltime)
if IS_SCAP then F["evt.reltime"].put = padded(reltime) end

-- Exits of a .scap without enter events (they are of no cgroup) do not tell how long the call took.
local function measured()
    if bit.band(ev.info.category, INTERNAL) ~= 0 then return nil end
    if ev.latency == 0 and ev.cgroup == 0 and ev.is_exit then return nil end
    return ev.latency
end

local latency = IS_SCAP and function() return ev.latency end or measured

add_parts("evt.latency", latency)

local UNITS = { { SECOND, "s" }, { 1000000, "ms" }, { 1000, "us" } }

-- 370ns, 3.89us, 141us, 2.34ms, 12.50s: cut, not rounded; below a second two digits only while the number has one.
local function human(ns)
    for i = 1, #UNITS do
        local size, unit = UNITS[i][1], UNITS[i][2]
        if ns >= size * 10 and size < SECOND then return format("%d%s", floor(ns / size), unit) end
        if ns >= size then return format("%d.%02d%s", floor(ns / size), floor(ns % size * 100 / size), unit) end
    end
    return format("%dns", ns)
end

F["evt.latency.human"] = { get = function()
    local ns = latency()
    return ns and human(ns)
end }

-- Column of a duration on a logarithmic axis; nil for none.
local function quantized(ns)
    if not ns or ns == 0 then return nil end
    return math.max(floor(math.min(math.log10(ns), DECADES) * SCREEN / DECADES), 0) + 1
end

F["evt.latency.quantized"] = { get = function()
    return quantized(latency())
end }

F["evt.wait_latency"] = { get = function()
    if not ev.is_exit or bit.band(ev.info.flags, WAITS) == 0 then return nil end
    return latency()
end }

-- ns since the last time the returned function was called; each field instance has its own.
local function delta()
    local last = ffi.new("int64_t[1]")
    return function()
        local now, before = ev.ts(), last[0]
        last[0] = now
        return before == 0 and 0 or tonumber(now - before)
    end
end

F["evt.deltatime"] = { make = function() return { get = delta() } end }
F["evt.deltatime.s"] = { make = function()
    local since = delta()
    return { get = function() return floor(since() / SECOND) end }
end }
F["evt.deltatime.ns"] = { make = function()
    local since = delta()
    local function rest() return since() % SECOND end
    return { get = rest, put = padded(rest) }
end }

-- A field that shows ns as seconds.
local function split_ns(read)
    return appended(function(buf)
        local ns = read() or 0
        buf:putf("%d.%09d", floor(ns / SECOND), ns % SECOND)
        return true
    end)
end

local absolute = appended(function(buf)
    local s, ns = ev.time()
    buf:putf("%d.%d", s, ns)
    return true
end)

-- style letter -> function that makes the field; made anew each time for what remembers
local STYLES = {
    h = function() return F["evt.time"] end,
    a = function() return absolute end,
    r = function() return split_ns(reltime) end,
    d = function() return split_ns(latency) end,
    D = function() return split_ns(delta()) end,
}

F["evt.outputtime"] = { make = function() return STYLES[style]() end }

-- Choose the style of evt.outputtime for fields made from now on; nil and a message for an unknown letter.
local function set_style(letter)
    if not STYLES[letter] then return nil, "invalid modifier for flag -t" end
    style = letter
    return true
end

-- A time of day with ns as text.
local function clock(s, ns)
    return format("%s.%09d", time_of_day(s), ns)
end

return { fields = F, set_style = set_style, human = human, quantized = quantized, clock = clock }
