-- What compiled filters call: getters by field name, and comparators. A comparator takes the constant first and the
-- value last; a value of nil (the field has none) makes every comparison false. The `pair_` forms take two values, of
-- which the second may be missing: they hold when either side does, `ne` when neither side is equal.
local ffi = require("ffi")
local ev = require("ev")
local fields = require("fields.init")
local ancestry = require("fields.ancestry")
local proc = require("fields.proc")
local transform = require("filter_transform")

local M = {}

for name, transformer in pairs(transform) do M[name] = transformer end

pcall(ffi.cdef, "int memcmp(const void *, const void *, size_t);")

local C = ffi.C
local find, byte = string.find, string.byte
local REMEMBERED = 4096
local cast, u8p = ffi.cast, ffi.typeof("const uint8_t *")

local function field(name)
    return fields.lookup(name) or error("no getter for the field " .. name, 3)
end

-- Getter of a field.
function M.get(name)
    return field(name).get
end

-- Getter that gives all 64 bits.
function M.wide(name)
    return field(name).wide
end

-- Whether the event can have a result.
function M.is_exit()
    return ev.is_exit
end

function M.exists(_, v) return v ~= nil end
function M.eq(c, v) return v ~= nil and v == c end
function M.ne(c, v) return v ~= nil and c ~= nil and v ~= c end
function M.lt(c, v) return v ~= nil and c ~= nil and v < c end
function M.le(c, v) return v ~= nil and c ~= nil and v <= c end
function M.gt(c, v) return v ~= nil and c ~= nil and v > c end
function M.ge(c, v) return v ~= nil and c ~= nil and v >= c end

-- Membership in a set: a table with the members as keys.
function M.member(set, v) return v ~= nil and set[v] == true end

function M.contains(c, v)
    return v ~= nil and c ~= nil and find(v, c, 1, true) ~= nil
end

function M.startswith(c, v)
    return v ~= nil and c ~= nil and #v >= #c and C.memcmp(v, c, #c) == 0
end

function M.endswith(c, v)
    return v ~= nil and c ~= nil and #v >= #c and C.memcmp(cast(u8p, v) + (#v - #c), c, #c) == 0
end

-- 1 for true, 0 for false: how many members of a list hold.
function M.one(holds) return holds and 1 or 0 end

-- A byte automaton: `classes` maps a byte to a column, `rows` holds the next states as 16-bit numbers, `accepting`
-- one byte per state. State 0 is dead, state 1 the start.
function M.automaton(classes, rows, accepting)
    local columns = 0
    for i = 1, #classes do columns = math.max(columns, byte(classes, i) + 1) end
    local self = {
        columns = columns, classes = ffi.new("uint8_t[256]"), rows = ffi.new("uint16_t[?]", #rows / 2),
        accepting = ffi.new("uint8_t[?]", #accepting),
        known = {}, count = 0,
    }
    ffi.copy(self.classes, classes, 256)
    ffi.copy(self.rows, rows, #rows)
    ffi.copy(self.accepting, accepting, #accepting)
    return self
end

local function accepts(self, v)
    local classes, rows, columns, state = self.classes, self.rows, self.columns, 1
    for i = 1, #v do
        state = rows[state * columns + classes[byte(v, i)]]
        if state == 0 then return false end
    end
    return self.accepting[state] ~= 0
end

local function remember(self, v)
    if self.count >= REMEMBERED then self.known, self.count = {}, 0 end
    local result = accepts(self, v)
    self.known[v], self.count = result, self.count + 1
    return result
end

-- Whether the automaton accepts the whole value. Answers are kept per value: names come again and again, and a loop
-- here would split the compiled loop over the events.
function M.match(self, v)
    if v == nil then return false end
    local known = self.known[v]
    if known ~= nil then return known end
    return remember(self, v)
end

-- An IP network: its address, split into whole bytes and what is left.
function M.network(raw, bits)
    local whole = math.floor(bits / 8)
    local rest = bits - whole * 8
    return { raw = raw, whole = whole, divisor = 2 ^ (8 - rest), rest = rest }
end

local function inside(net, v)
    if #v ~= #net.raw or C.memcmp(v, net.raw, net.whole) ~= 0 then return false end
    if net.rest == 0 then return true end
    local at = net.whole + 1
    local difference = byte(v, at) - byte(net.raw, at)
    -- the network's own bits below the prefix are zero, so the prefix agrees when less than one step lies between
    return difference >= 0 and difference < net.divisor
end

function M.in_network(net, v) return v ~= nil and inside(net, v) end
function M.not_in_network(net, v) return v ~= nil and not inside(net, v) end

local function either(compare)
    return function(c, a, b)
        return compare(c, a) or compare(c, b)
    end
end

for _, name in ipairs({ "exists", "eq", "lt", "le", "gt", "ge", "member", "in_network" }) do
    M["pair_" .. name] = either(M[name])
end

function M.pair_ne(c, a, b) return a ~= nil and a ~= c and b ~= c end

function M.pair_not_in_network(net, a, b)
    return a ~= nil and not inside(net, a) and (b == nil or not inside(net, b))
end

local function key_of(key)
    return function(thread) return thread[key] end
end

local OF_ANCESTOR = {
    ["proc.aname"] = key_of("comm"), ["proc.apid"] = key_of("pid"), ["proc.aexe"] = key_of("exe"),
    ["proc.aexepath"] = key_of("exepath"), ["proc.acmdline"] = proc.command_line, ["proc.aargs"] = proc.arguments,
    ["proc.aenv"] = proc.environment,
}

-- For fields that stand for several values: whether a comparison holds for any ancestor of the process, or any span
-- that runs.
function M.any_of(name)
    local of_ancestor = OF_ANCESTOR[name]
    if not of_ancestor then return field(name).any end
    return function(compare, c)
        return ancestry.any(of_ancestor, compare, c)
    end
end

local MILLISECOND = 1000000LL

-- Whether the event is at most `ms` milliseconds away from the time `ts` (ns since the epoch, int64_t).
function M.around(ts, ms)
    local distance = ev.ts() - ts
    local limit = MILLISECOND * ms
    return distance <= limit and distance >= -limit
end

return M
