-- Shell patterns (`*`, `?`, `[a-z]`) against texts, for the arguments of fields; filters compile theirs to automata.
local memo = require("fields.memo")

local M = {}

local SPECIAL = "[%^%$%(%)%%%.%+%-]"

local function class(text, at)
    local stop = text:find("]", at + 2, true)
    if not stop then return nil end
    local inside = text:sub(at + 1, stop - 1):gsub("^!", "^"):gsub("%%", "%%%%")
    return "[" .. inside .. "]", stop + 1
end

local function lua_pattern(text)
    local out, at = { "^" }, 1
    while at <= #text do
        local char, piece, following = text:sub(at, at), nil, nil
        if char == "[" then piece, following = class(text, at) end
        if char == "*" then piece = ".*" elseif char == "?" then piece = "." end
        out[#out + 1] = piece or (char == "[" and "%[") or char:gsub(SPECIAL, "%%%0")
        at = following or at + 1
    end
    out[#out + 1] = "$"
    return table.concat(out)
end

local pattern_of = memo.one(lua_pattern)

function M.matches(pattern, text)
    return text:find(pattern_of(pattern)) ~= nil
end

return M
