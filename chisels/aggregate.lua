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

local function take_flat(self)
    local flat = {}
    for key, value in pairs(self.sums) do
        flat[tostring(key)] = value
    end
    self.sums = {}
    return flat
end

local function take_nested(self)
    local flat = {}
    for first, sums in pairs(self.sums) do
        for second, value in pairs(sums) do
            flat[tostring(first) .. SEPARATOR .. tostring(second)] = value
        end
    end
    self.sums = {}
    return flat
end

local ADDERS = { add_by_one, add_by_two }

-- Return an aggregate over the requested fields: `:add(value)` counts the current event (nothing when a key has
-- no value), `:take()` returns {joined keys = sum} and starts again.
function M.new(handles)
    return {
        handles = handles,
        first = handles[1],
        second = handles[2],
        sums = {},
        add = ADDERS[#handles] or add_by_many,
        take = #handles == 2 and take_nested or take_flat,
    }
end

return M
