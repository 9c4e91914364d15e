-- Columns in memory as Arrow lays them out: values (or offsets and bytes) and a bitmap of what is there. They grow, are
-- described as addresses once per batch, and are used again for the next one.
--
-- A vector has
--   store(row, value)   keep a value that is not nil; rows come in order
--   store_at(row, p, n) keep the n bytes at p; of texts and bytes only
--   skip(row)           nothing is there
--   reserve(rows)       make room for so many rows in all; called before the row is stored
--   describe(numbers)   append what Arrow is made of: rows without a value, then address and size of every buffer
--   clear()             begin again
-- Functions that run per event are compiled once per vector, so that LuaJIT takes what they are about for constants.
local ffi = require("ffi")
local clear_table = require("table.clear")

local M = {}

local SMALLEST = 64
-- of the bytes and items of one batch, which Arrow counts with 32 bits
local LARGEST = 0x7FFFFFFF

ffi.cdef [[
typedef struct { int64_t *data; uint8_t *valid; double missing; } sdpy_int64_column;
typedef struct { uint64_t *data; uint8_t *valid; double missing; } sdpy_uint64_column;
typedef struct { double *data; uint8_t *valid; double missing; } sdpy_float64_column;
typedef struct { int32_t *data; uint8_t *valid; double missing; } sdpy_int32_column;
typedef struct { uint8_t *data; uint8_t *valid; double missing; } sdpy_bool_column;
typedef struct { int32_t *data; uint8_t *valid; double missing; uint8_t *bytes; double used, room; } sdpy_text_column;
]]

local PRELUDE = [[
local column, more = ...
local bit, ffi = require("bit"), require("ffi")
local bor, band, lshift, rshift, copy = bit.bor, bit.band, bit.lshift, bit.rshift, ffi.copy
local function mark(row)
    local at = rshift(row, 3)
    column.valid[at] = bor(column.valid[at], lshift(1, band(row, 7)))
end
]]

local function compiled(source, ...)
    return assert(loadstring(PRELUDE .. source, "=column"))(...)
end

local function address(pointer)
    return tonumber(ffi.cast("intptr_t", pointer))
end

local function bitmap_size(rows)
    return math.floor((rows + 7) / 8)
end

-- A larger copy of an array.
local function grown(element, old, used, size)
    local new = ffi.new(element .. "[?]", size)
    if old then ffi.copy(new, old, used * ffi.sizeof(element)) end
    return new
end

-- What all vectors have in common: the bitmap, and an array with `per_row` elements for each row and `extra` behind.
local function base(kind, element, extra)
    local column = ffi.new("sdpy_" .. kind .. "_column")
    local self = { column = column, rows = 0, size = 0 }
    local data, valid

    function self.reserve(rows)
        if rows <= self.size then return end
        local size = math.max(SMALLEST, 2 * self.size, rows)
        data = grown(element, data, self.size + extra, size + extra)
        valid = grown("uint8_t", valid, bitmap_size(self.size), bitmap_size(size))
        column.data, column.valid, self.size = data, valid, size
    end

    function self.head(numbers)
        numbers[#numbers + 1] = column.missing
        numbers[#numbers + 1] = address(column.valid)
        numbers[#numbers + 1] = bitmap_size(self.rows)
    end

    function self.clear()
        if valid then ffi.fill(valid, bitmap_size(self.size)) end
        column.missing, self.rows = 0, 0
    end
    return self
end

local function add_buffer(numbers, pointer, size)
    numbers[#numbers + 1] = address(pointer)
    numbers[#numbers + 1] = size
end

local FIXED = { int64 = "int64_t", uint64 = "uint64_t", float64 = "double", int32 = "int32_t" }

-- Numbers; what was not stored is 0, so that no older value shows.
local function fixed(kind)
    local self = base(kind, FIXED[kind], 0)
    self.store = compiled([[
        return function(row, value)
            column.data[row] = value
            mark(row)
        end]], self.column)
    self.skip = compiled([[
        return function(row)
            column.data[row] = 0
            column.missing = column.missing + 1
        end]], self.column)
    function self.describe(numbers)
        self.head(numbers)
        add_buffer(numbers, self.column.data, self.rows * ffi.sizeof(FIXED[kind]))
    end
    return self
end

local function boolean()
    local self = base("bool", "uint8_t", 0)
    self.store = compiled([[
        return function(row, value)
            local at = rshift(row, 3)
            if band(row, 7) == 0 then column.data[at] = 0 end
            if value then column.data[at] = bor(column.data[at], lshift(1, band(row, 7))) end
            mark(row)
        end]], self.column)
    self.skip = compiled([[
        return function(row)
            if band(row, 7) == 0 then column.data[rshift(row, 3)] = 0 end
            column.missing = column.missing + 1
        end]], self.column)
    function self.describe(numbers)
        self.head(numbers)
        add_buffer(numbers, self.column.data, bitmap_size(self.rows))
    end
    return self
end

-- The bytes behind texts: makes room for `length` more.
local function more_bytes(column)
    local bytes
    return function(length)
        local size = math.max(4096, 2 * column.room, column.used + length)
        if size > LARGEST then error("more than 2 GiB of text in one batch; read fewer rows at a time", 0) end
        bytes = grown("uint8_t", bytes, column.used, size)
        column.bytes, column.room = bytes, size
    end
end

-- Texts one after the other, with the offsets where each ends.
local function text()
    local self = base("text", "int32_t", 1)
    local clear_base = self.clear
    local more = more_bytes(self.column)
    self.store = compiled([[
        return function(row, value)
            local length = #value
            if column.used + length > column.room then more(length) end
            copy(column.bytes + column.used, value, length)
            column.used = column.used + length
            column.data[row + 1] = column.used
            mark(row)
        end]], self.column, more)
    self.store_at = compiled([[
        return function(row, p, length)
            if column.used + length > column.room then more(length) end
            copy(column.bytes + column.used, p, length)
            column.used = column.used + length
            column.data[row + 1] = column.used
            mark(row)
        end]], self.column, more)
    self.skip = compiled([[
        return function(row)
            column.data[row + 1] = column.used
            column.missing = column.missing + 1
        end]], self.column)
    function self.describe(numbers)
        self.head(numbers)
        add_buffer(numbers, self.column.data, (self.rows + 1) * 4)
        add_buffer(numbers, self.column.bytes, self.column.used)
    end
    function self.clear()
        clear_base()
        self.column.used = 0
    end
    return self
end

-- Texts that come again and again: each is kept once, as `shown` makes it, and rows hold its number.
local function word(shown)
    local self, words, known = base("int32", "int32_t", 0), text(), {}
    local clear_base, codes = self.clear, {}
    local function add(value)
        local content = shown and shown(value) or value
        local code = codes[content]
        if not code then
            code = words.rows
            words.reserve(code + 1)
            words.store(code, content)
            words.rows, codes[content] = code + 1, code
        end
        known[value] = code
        return code
    end
    self.store = compiled([[
        local known, add = select(3, ...)
        return function(row, value)
            column.data[row] = known[value] or add(value)
            mark(row)
        end]], self.column, nil, known, add)
    self.skip = compiled([[
        return function(row)
            column.data[row] = 0
            column.missing = column.missing + 1
        end]], self.column)
    function self.describe(numbers)
        self.head(numbers)
        add_buffer(numbers, self.column.data, self.rows * 4)
        numbers[#numbers + 1] = words.rows
        words.describe(numbers)
    end
    function self.clear()
        clear_base()
        words.clear()
        clear_table(known)
        clear_table(codes)
    end
    words.reserve(1)
    return self
end

-- Lists: where each ends among the items of all.
local function list(item_kind)
    local self, items = base("int32", "int32_t", 1), M.new(item_kind)
    local column, clear_base = self.column, self.clear
    local mark = compiled("return mark", column)
    function self.store(row, values)
        local count = items.rows
        items.reserve(count + #values)
        for i = 1, #values do items.store(count + i - 1, values[i]) end
        items.rows = count + #values
        column.data[row + 1] = items.rows
        mark(row)
    end
    function self.skip(row)
        column.data[row + 1], column.missing = items.rows, column.missing + 1
    end
    function self.describe(numbers)
        self.head(numbers)
        add_buffer(numbers, column.data, (self.rows + 1) * 4)
        numbers[#numbers + 1] = items.rows
        items.describe(numbers)
    end
    function self.clear()
        clear_base()
        items.clear()
    end
    items.reserve(1)
    return self
end

local MAKERS = { bool = boolean, text = text, bytes = text, word = word, time = function() return fixed("int64") end }

-- A vector for values of a kind: int64 uint64 float64 bool time text bytes word, and list:KIND. `shown` makes the text
-- of a word from its value, for each value once.
function M.new(kind, shown)
    local item_kind = kind:match("^list:(.*)$")
    if item_kind then return list(item_kind) end
    if FIXED[kind] then return fixed(kind) end
    return MAKERS[kind](shown)
end

-- Describe `vectors` of `rows` rows each: all numbers, packed as doubles (addresses are below 2^53).
function M.describe(vectors, rows)
    local numbers = {}
    for _, vector in ipairs(vectors) do
        vector.rows = rows
        vector.reserve(1)
        vector.describe(numbers)
    end
    local packed = ffi.new("double[?]", #numbers, numbers)
    return ffi.string(packed, #numbers * 8)
end

return M
