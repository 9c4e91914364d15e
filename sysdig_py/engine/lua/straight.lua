-- Functions made from source text, one statement after the other: what is known beforehand (which fields a format has,
-- which parameters an event type has) is written into them, so that LuaJIT finds constants and no loops.
local M = {}

-- a Lua function may refer to 60 outer variables; values beyond these go through a table
local MAX_NAMES = 50

local Code = {}
Code.__index = Code

-- Start the source of a function with these parameters.
function M.new(parameters)
    return setmetatable({ parameters = parameters, lines = {}, values = {}, names = {} }, Code)
end

-- Name under which the source reaches `value`.
function Code:name(value)
    local name = self.names[value]
    if name then return name end
    local n = #self.values + 1
    name = n <= MAX_NAMES and "v" .. n or ("values[%d]"):format(n)
    self.values[n], self.names[value] = value, name
    return name
end

-- Append a line; the arguments fill its %s, %d and %q.
function Code:add(form, ...)
    self.lines[#self.lines + 1] = select("#", ...) > 0 and form:format(...) or form
end

-- The function itself; `title` names it in error messages.
function Code:load(title)
    local heads = {}
    for n = 1, math.min(#self.values, MAX_NAMES) do heads[n] = ("local v%d = values[%d]"):format(n, n) end
    local source = ("local values = ...\n%s\nreturn function(%s)\n%s\nend"):format(
        table.concat(heads, "\n"), self.parameters, table.concat(self.lines, "\n"))
    return assert(loadstring(source, "=" .. title))(self.values)
end

return M
