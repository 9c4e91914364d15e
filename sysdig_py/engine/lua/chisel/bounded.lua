-- What LuaJIT does on the stack of C, made safe for scripts that nest without end: there it knows no limit, and the
-- process would die. Calls from Lua to Lua do not need that stack, and end with "stack overflow".

local M = {}

local find, sub, type, select, tostring = string.find, string.sub, type, select, tostring
local plain_gsub = string.gsub
local CARET = "^"
-- each may use up a stack of its own, and the C stack holds some of those (ui/cli/limits.py)
local MAX_NESTED = 16

-- What stands for a match from now on; the match itself for nil and false.
local function value_of(match, value)
    if not value then
        return match
    end
    local kind = type(value)
    if kind ~= "string" and kind ~= "number" then
        error("invalid replacement value (a " .. kind .. ")", 4)
    end
    return tostring(value)
end

local function ask(replacement, match, ...)
    if type(replacement) == "table" then
        return replacement[select("#", ...) > 0 and (...) or match]
    elseif select("#", ...) > 0 then
        return replacement(...)
    end
    return replacement(match)
end

-- string.gsub for replacements that are called: a function, or a table with a metatable.
local function calling_gsub(text, pattern, replacement, most)
    local out, n, count, at = {}, 0, 0, 1
    local function replaced(first, last, ...)
        if not first then
            return false
        end
        local match = sub(text, first, last)
        n, count = n + 2, count + 1
        out[n - 1], out[n] = sub(text, at, first - 1), value_of(match, ask(replacement, match, ...))
        at = last + 1
        if last < first then
            -- nothing was matched: the next character stays
            n, at = n + 1, first + 1
            out[n] = sub(text, first, first)
        end
        return at <= #text + 1
    end
    while count < most and replaced(find(text, pattern, at)) do
        if sub(pattern, 1, 1) == CARET then
            break
        end
    end
    out[n + 1] = sub(text, at)
    return table.concat(out, "", 1, n + 1), count
end

function M.gsub(text, pattern, replacement, most)
    local kind = type(replacement)
    if kind == "function" or (kind == "table" and getmetatable(replacement) ~= nil) then
        if (type(text) == "string" or type(text) == "number") and type(pattern) == "string" then
            return calling_gsub(tostring(text), pattern, replacement, most or math.huge)
        end
    end
    return plain_gsub(text, pattern, replacement, most)
end

local create, resume = coroutine.create, coroutine.resume
local nested = 0

local function left(...)
    nested = nested - 1
    return ...
end

local function bounded_resume(thread, ...)
    if nested >= MAX_NESTED then
        return false, "coroutines are nested too deeply"
    end
    nested = nested + 1
    return left(resume(thread, ...))
end

local function passed_on(ok, ...)
    if not ok then
        error((...), 0)
    end
    return ...
end

-- A copy of the coroutine library whose coroutines may run each other only so deeply.
function M.coroutines()
    local lib = {}
    for name, value in pairs(coroutine) do
        lib[name] = value
    end
    lib.resume = bounded_resume
    function lib.wrap(body)
        local thread = create(body)
        return function(...)
            return passed_on(bounded_resume(thread, ...))
        end
    end
    return lib
end

return M
