-- Texts derived from other texts (a command line from its arguments, a directory from a path), kept so that the next
-- event with the same source allocates nothing. A store that has grown to LIMIT is emptied.
local M = {}

local LIMIT = 16384

-- `make(source)` with memory.
function M.one(make)
    local known, count = {}, 0
    return function(source)
        local result = known[source]
        if result ~= nil then return result end
        if count >= LIMIT then known, count = {}, 0 end
        result = make(source)
        known[source], count = result, count + 1
        return result
    end
end

-- `make(a, b)` with memory.
function M.two(make)
    local known, count = {}, 0
    return function(a, b)
        local row = known[a]
        local result = row and row[b]
        if result ~= nil then return result end
        if count >= LIMIT then known, count, row = {}, 0, nil end
        if not row then
            row = {}
            known[a] = row
        end
        result = make(a, b)
        row[b], count = result, count + 1
        return result
    end
end

return M
