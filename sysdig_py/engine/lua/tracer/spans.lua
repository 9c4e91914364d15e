-- The spans that programs announce (`tracer/text.lua`), and which of them run. A write that announces one becomes a
-- `tracer` event: `>` at the begin, `<` at the end.
local ffi = require("ffi")
local decode = require("decode")
local ev = require("ev")
local text = require("tracer.text")

-- `CODES`: whether it is the end of a span -> type of the event
local M = { DEV_NULL = "/dev/null", NAME = "tracer", CODES = { [false] = 268, [true] = 269 } }

local DATA = 1
local SHORTEST, COLON, QUOTE, SPACE = 5, 58, 34, 32
local STARTS = { [60] = true, [62] = true, [91] = false } -- < > [: whether it is no JSON
-- one that knows what the id of a span may be made of
local ANYBODY = { tid = 0, pid = 0, ptid = 0 }
local ENTER, EXIT = M.CODES[false], M.CODES[true]
-- spans that never end must not fill the memory
local MAX_RUNNING = 4096

-- the arguments of a tracer are not those of the record, which is a write
M.info = {
    code = ENTER, id = "TRACER_E", name = M.NAME, category = 4097, flags = 0, params = {}, index = {}, signed = {},
    exists = true, is_exit = false, res_index = -1, fd_index = -1, modifies = false, no_thread = false,
}

local running = {} -- in the order of their begin
local told_at, tracer, span = 0, nil, nil

local function key_of(announced)
    return announced.id .. "\0" .. table.concat(announced.tags, "\0")
end

-- Forget the spans whose end was an earlier event.
local function sweep()
    local kept = {}
    for _, one in ipairs(running) do
        if not one.ended then kept[#kept + 1] = one end
    end
    if #kept >= MAX_RUNNING then table.remove(kept, 1) end
    running = kept
end

local function begin(announced)
    local one = {
        key = key_of(announced), announced = announced, began = ev.num, ts = ev.ts(), rel = ev.rel,
        tid = ev.thread.tid, pid = ev.thread.pid,
    }
    one.seconds, one.ns = ev.time()
    running[#running + 1] = one
    return one
end

-- The youngest span with the same id and tags ends, whoever began it.
local function finish(announced)
    local key = key_of(announced)
    for i = #running, 1, -1 do
        if running[i].key == key then
            running[i].ended = ev.num
            return running[i]
        end
    end
    return nil
end

-- What these bytes announce, written to /dev/null by `thread`. Much goes there, and nearly all of it is seen here to
-- announce nothing.
local function announced_by(p, len, thread)
    if len < SHORTEST then return nil end
    local is_plain, following = STARTS[p[0]], p[1]
    if is_plain == nil then return nil end
    if is_plain and following ~= COLON or not is_plain and following ~= QUOTE and following > SPACE then return nil end
    return text.parse(ffi.string(p, len), thread)
end

-- Whether these bytes, `len` of them, announce something to whoever reads them as the data of a write to /dev/null.
function M.may_announce(p, len)
    return announced_by(p, len, ANYBODY) ~= nil
end

-- The event in hand is a write to /dev/null. When it announces something it is shown as that from now on.
function M.written()
    local p, len = decode.param(DATA)
    local announced = p and announced_by(p, len, ev.thread)
    if not announced then return false end
    sweep()
    told_at, tracer = ev.num, announced
    span = announced.is_exit and finish(announced) or (not announced.is_exit and begin(announced) or nil)
    ev.type, ev.info, ev.is_exit, ev.name = announced.is_exit and EXIT or ENTER, M.info, announced.is_exit, M.NAME
    ev.res, ev.fd, ev.fdnum, ev.latency = nil, nil, nil, 0
    return true
end

-- What the event in hand announces, and its span (nil for an end without a begin); nil when it is no tracer.
function M.current()
    if ev.info ~= M.info or told_at ~= ev.num then return nil end
    return tracer, span
end

-- Whether `accepts(span)` holds for a span that runs during the event in hand: the youngest first. The begin of a span
-- is not within it, its end is.
function M.any(accepts)
    for i = #running, 1, -1 do
        local one = running[i]
        if (not one.ended or one.ended == ev.num) and accepts(one) then return one.began ~= ev.num end
    end
    return false
end

-- The youngest running span that `accepts`, nil without one.
function M.find(accepts)
    local found
    M.any(function(one)
        if one.began == ev.num or not accepts(one) then return false end
        found = one
        return true
    end)
    return found
end

local function pairs_text(names, values, equals)
    local out = {}
    for i = 1, #names do out[i] = names[i] .. equals .. values[i] end
    return table.concat(out, ",")
end
M.pairs_text = pairs_text

local function parts()
    return { { "id", ("%d"):format(tracer.id) }, { "tags", table.concat(tracer.tags, ".") },
        { "args", pairs_text(tracer.names, tracer.values, ":") } }
end

-- All arguments of the tracer in hand, as events show them.
function M.arguments()
    local out = {}
    for i, part in ipairs(parts()) do out[i] = part[1] .. "=" .. part[2] .. " " end
    return table.concat(out)
end

-- Append one of them, by name or by position from 0, to a buffer; false when there is none.
function M.put_argument(buf, which)
    for i, part in ipairs(parts()) do
        if part[1] == which or i - 1 == tonumber(which) then
            buf:put(part[2])
            return true
        end
    end
    return false
end

-- Forget all spans: another file begins.
function M.forget()
    running, told_at, tracer, span = {}, 0, nil, nil
end

return M
