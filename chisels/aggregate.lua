-- Sums per key: the hot part of table chisels. One and two keys need no text per event; more are joined.

local M = {}

local SEPARATOR = "\001\001"

local function add_by_one(self, value)
    local key = evt.field(self.first)
    if key ~= nil then
        local sums = self.sums
        sums[key] = (sums[key] or 0) + value
    end
end

local function add_by_two(self, value)
    local first, second = evt.field(self.first), evt.field(self.second)
    if first == nil or second == nil then
        return
    end
    local sums = self.sums[first]
    if not sums then
        sums = {}
        self.sums[first] = sums
    end
    sums[second] = (sums[second] or 0) + value
end

local function add_by_many(self, value)
    local cells = {}
    for i, handle in ipairs(self.handles) do
        local cell = evt.field(handle)
        if cell == nil then
            return
        end
        cells[i] = tostring(cell)
    end
    local key = table.concat(cells, SEPARATOR)
    self.sums[key] = (self.sums[key] or 0) + value
end

local function flat_sums(self)
    local flat = {}
    for key, value in pairs(self.sums) do
        flat[tostring(key)] = value
    end
    return flat
end

local function flat_nested_sums(self)
    local flat = {}
    for first, sums in pairs(self.sums) do
        for second, value in pairs(sums) do
            flat[tostring(first) .. SEPARATOR .. tostring(second)] = value
        end
    end
    return flat
end

local function take(self)
    local flat = self:read()
    self.sums = {}
    return flat
end

local ADDERS = { add_by_one, add_by_two }

-- Return an aggregate over the requested fields: `:add(value)` counts the current event (nothing when a key has
-- no value), `:read()` returns {joined keys = sum}, `:take()` does too and starts again. It goes on from the sums of
-- `before`, an aggregate over the same fields: those of the trace that was read before this one.
function M.new(handles, before)
    return {
        handles = handles,
        first = handles[1],
        second = handles[2],
        sums = before and before.sums or {},
        add = ADDERS[#handles] or add_by_many,
        read = #handles == 2 and flat_nested_sums or flat_sums,
        take = take,
    }
end

return M
