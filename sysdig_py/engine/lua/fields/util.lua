-- A counter for chisels and formats.
local F = {}

F["util.cnt"] = { make = function()
    local count = 0
    return { get = function()
        count = count + 1
        return count
    end }
end }

return { fields = F }
