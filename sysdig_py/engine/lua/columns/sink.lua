-- The events' columns: a sink that stores the wanted fields of every delivered event.
local bit = require("bit")
local buffer = require("string.buffer")
local ffi = require("ffi")
local ev = require("ev")
local address = require("state.address")
local fields = require("fields.init")
local render = require("render")
local sinks = require("sinks")
local vectors = require("columns.vectors")

local M = {}

ffi.cdef [[
typedef struct { int32_t rows, room; } sdpy_batch;
]]

local band = bit.band
local EC_INTERNAL = 256
local batch = ffi.new("sdpy_batch")
local columns = {}

local TEXTS = { text = true, word = true }

local function items_of(get, text_of)
    return function()
        local first, second = get()
        if first == nil then return nil end
        if second == nil then return { text_of(first) } end
        return { text_of(first), text_of(second) }
    end
end

local function as_it_is(value)
    return value
end

-- Both ends of a connection, as addresses or port numbers; or the parts of a text with commas.
local function list_getter(field, item_kind)
    if field.type == "ipaddr" or field.type == "ipnet" then return items_of(field.get, address.text) end
    if item_kind ~= "text" then return items_of(field.get, as_it_is) end
    return function()
        local text = field.text()
        if not text then return nil end
        local parts = {}
        for part in (text .. ","):gmatch("([^,]*),") do parts[#parts + 1] = part end
        return parts
    end
end

-- What gives the values, and for words what makes texts of them.
local function getter(field, kind)
    if kind == "time" then return field.wide or field.exact or (field.type == "abstime" and field.get) or ev.ts end
    local item_kind = kind:match("^list:(.*)$")
    if item_kind then return list_getter(field, item_kind) end
    if kind == "word" and field.cleans then return field.get, render.clean end
    if TEXTS[kind] then return field.text end
    return field.exact or field.wide or field.get
end

local function grow()
    batch.room = math.max(1024, 2 * batch.room)
    for i = 1, #columns do columns[i].reserve(batch.room) end
end

-- One column of the current event.
local function putter(get, vector)
    return assert(loadstring([[
        local get, store, skip = ...
        return function(row)
            local value = get()
            if value ~= nil then store(row, value) else skip(row) end
        end]], "=put"))(get, vector.store, vector.skip)
end

-- The same for texts that the field appends to a buffer: none of them becomes a Lua string.
local function appended(put, vector)
    return assert(loadstring([[
        local put, store_at, skip, buf = ...
        return function(row)
            buf:reset()
            if put(buf) == false then return skip(row) end
            local p, length = buf:ref()
            store_at(row, p, length)
        end]], "=put"))(put, vector.store_at, vector.skip, buffer.new())
end

-- The same for bytes that lie in the record.
local function found(where, vector)
    return assert(loadstring([[
        local where, store_at, skip = ...
        return function(row)
            local p, length = where()
            if length < 0 then return skip(row) end
            store_at(row, p, length)
        end]], "=put"))(where, vector.store_at, vector.skip)
end

local function column_putter(field, kind, get, vector)
    if kind == "text" and field.makes_text then return appended(field.put, vector) end
    if kind == "bytes" and field.where then return found(field.where, vector) end
    return putter(get, vector)
end

local GROUP = 40 -- a function has room for 60 upvalues

-- All of `puts` in one function without a loop.
local function joined(puts, first)
    local last = math.min(first + GROUP - 1, #puts)
    local heads, calls = {}, {}
    for i = first, last do
        heads[#heads + 1] = ("local put_%d = puts[%d]"):format(i, i)
        calls[#calls + 1] = ("put_%d(row)"):format(i)
    end
    local rest = last < #puts and joined(puts, last + 1) or nil
    if rest then calls[#calls + 1] = "rest(row)" end
    local source = "local puts, rest = ...\n%s\nreturn function(row)\n%s\nend"
    return assert(loadstring(source:format(table.concat(heads, "\n"), table.concat(calls, "\n")), "=row"))(puts, rest)
end

local function sink(puts)
    local put = joined(puts, 1)
    return function()
        if band(ev.info.category, EC_INTERNAL) ~= 0 then return end
        local row = batch.rows
        if row == batch.room then grow() end
        put(row)
        batch.rows = row + 1
    end
end

-- Collect the fields of these names, each as its kind (see columns.vectors). Returns the name of a field that does not
-- exist, nil when all do.
function M.open(names, kinds)
    local puts = {}
    for i = 1, #names do
        local field = fields.lookup(names[i])
        if not field then return names[i] end
        local get, shown = getter(field, kinds[i])
        columns[i] = vectors.new(kinds[i], shown)
        puts[i] = column_putter(field, kinds[i], get, columns[i])
    end
    grow()
    sinks.add({ on_event = sink(puts) })
    return nil
end

-- How many rows wait to be taken.
function M.rows()
    return batch.rows
end

-- Rows and their description (columns.vectors); the memory is used again after the next `clear`.
function M.describe()
    return batch.rows, vectors.describe(columns, batch.rows)
end

-- The rows were taken.
function M.clear()
    for i = 1, #columns do columns[i].clear() end
    batch.rows = 0
end

return M
