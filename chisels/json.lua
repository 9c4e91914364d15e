-- Lua values as JSON text, one key order for all runs, so that outputs can be compared.
--
-- A table with only the keys 1..n (or a field n, for lists with holes) is a list; json.null is null.

local M = { null = {} }

local ESCAPES = {
    ['"'] = '\\"', ["\\"] = "\\\\", ["\b"] = "\\b", ["\f"] = "\\f", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t",
}

local function escape(char)
    return ESCAPES[char] or ("\\u%04x"):format(char:byte())
end

local function quoted(text)
    return '"' .. text:gsub('[%c"\\\127]', escape) .. '"'
end

local function number(value)
    if value ~= value or value == math.huge or value == -math.huge then
        return "null"
    end
    local whole = ("%d"):format(value)
    return tonumber(whole) == value and whole or ("%.14g"):format(value)
end

-- Length of a list, nil for an object.
local function list_length(value)
    if type(value.n) == "number" then
        return value.n
    end
    local count = 0
    for key in pairs(value) do
        if type(key) ~= "number" then
            return nil
        end
        count = count + 1
    end
    return count == #value and (count > 0 or nil) and count
end

local function sorted_keys(value, order)
    local rank, keys = {}, {}
    for i, key in ipairs(order) do
        rank[key] = i
    end
    for key in pairs(value) do
        keys[#keys + 1] = key
    end
    table.sort(keys, function(a, b)
        local ra, rb = rank[a] or math.huge, rank[b] or math.huge
        return ra < rb or (ra == rb and tostring(a) < tostring(b))
    end)
    return keys
end

local encode

local function encode_list(value, length, state, level)
    local parts = {}
    for i = 1, length do
        parts[i] = encode(value[i], state, level + 1)
    end
    return "[" .. table.concat(parts, ",") .. "]"
end

local function encode_object(value, state, level)
    local parts = {}
    local break_inside = state.indent and "\n" .. ("  "):rep(level + 1) or ""
    local break_after = state.indent and "\n" .. ("  "):rep(level) or ""
    for i, key in ipairs(sorted_keys(value, state.keyorder or {})) do
        parts[i] = break_inside .. quoted(tostring(key)) .. ":" .. encode(value[key], state, level + 1)
    end
    return "{" .. table.concat(parts, ",") .. break_after .. "}"
end

function encode(value, state, level)
    local kind = type(value)
    if value == nil or value == M.null then
        return "null"
    elseif kind == "string" then
        return quoted(value)
    elseif kind == "number" then
        return number(value)
    elseif kind == "boolean" then
        return tostring(value)
    elseif kind ~= "table" then
        return error("json: a " .. kind .. " has no JSON form", 0)
    end
    local length = list_length(value)
    if length then
        return encode_list(value, length, state, level)
    end
    return encode_object(value, state, level)
end

-- Return the JSON text of `value`. state: {indent = boolean, keyorder = {first key, ...}}.
function M.encode(value, state)
    return encode(value, state or {}, 0)
end

return M
