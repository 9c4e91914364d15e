-- What programs write to /dev/null to announce a span: `>:ID:TAG.TAG:NAME=VALUE,NAME=VALUE:` at its begin, `<` in place
-- of `>` at its end; or the same as JSON, `[">", ID, ["TAG"], [{"NAME": "VALUE"}]]`. A backslash takes the meaning off
-- the character behind it. ID is a whole number, nothing (0), or `t`, `p`, `pp`: those of the thread, the process, its
-- parent. What is behind the last colon is not looked at.
local json_reader = require("json_reader")

local M = {}

local COLON = ":"

-- The text at `at` up to one of the characters `stops`, which one that is, and what comes behind it; nil without one.
local function word(data, at, stops)
    local out = ""
    while true do
        local stop = data:find("[\\" .. stops .. "]", at)
        if not stop then return nil end
        local mark = data:sub(stop, stop)
        out = out .. data:sub(at, stop - 1)
        if mark ~= "\\" then return out, mark, stop + 1 end
        out, at = out .. data:sub(stop + 1, stop + 1), stop + 2
    end
end

local function read_tags(data, at)
    local tags = {}
    if data:sub(at, at) == COLON then return tags, at + 1 end
    while true do
        local tag, mark, behind = word(data, at, ".:")
        if not tag then return nil end
        tags[#tags + 1] = tag
        if mark == COLON then return tags, behind end
        at = behind
    end
end

local function read_arguments(data, at)
    local names, values = {}, {}
    if data:sub(at, at) == COLON then return names, values end
    while true do
        local name, mark, behind = word(data, at, "=:")
        if not name or mark == COLON then return nil end
        local value
        value, mark, behind = word(data, behind, "=,:")
        if not value then return nil end
        names[#names + 1], values[#values + 1] = name, value
        if mark == COLON then return names, values end
        at = behind
    end
end

local function plain(data)
    local direction, id, at = data:match("^([<>]):([^:]*):()")
    if not direction then return nil end
    local tags, names, values
    tags, at = read_tags(data, at)
    if not tags then return nil end
    names, values = read_arguments(data, at)
    if not names then return nil end
    return { is_exit = direction == "<", id = id, tags = tags, names = names, values = values }
end

local function texts(list)
    local out = {}
    for i, value in ipairs(list) do
        if type(value) ~= "string" then return nil end
        out[i] = value
    end
    return out
end

local function json_arguments(list)
    local names, values = {}, {}
    for _, object in ipairs(list) do
        if type(object) ~= "table" then return nil end
        for name, value in pairs(object) do
            if type(name) ~= "string" or type(value) ~= "string" then return nil end
            names[#names + 1], values[#values + 1] = name, value
        end
    end
    return names, values
end

local DIRECTIONS = { [">"] = false, ["<"] = true }

local function from_json(data)
    local ok, list = pcall(json_reader.parse, data)
    if not ok or type(list) ~= "table" or DIRECTIONS[list[1]] == nil then return nil end
    if type(list[3]) ~= "table" or type(list[4]) ~= "table" then return nil end
    local tags = texts(list[3])
    local names, values = json_arguments(list[4])
    if not tags or not names then return nil end
    local id = type(list[2]) == "number" and ("%d"):format(list[2]) or list[2]
    return { is_exit = DIRECTIONS[list[1]], id = tostring(id), tags = tags, names = names, values = values }
end

-- The number an id stands for; nil when it is none.
local function id_of(text, thread)
    if text == "" or text == "0" then return 0 end
    if text == "t" then return thread.tid end
    if text == "p" then return thread.pid end
    if text == "pp" then return thread.main and thread.main.ptid or thread.ptid end
    return text:match("^%-?[1-9]%d*$") and tonumber(text) or nil
end

-- { is_exit, id, tags, names, values } of what `thread` wrote; nil when it is something else.
function M.parse(data, thread)
    local first = data:sub(1, 1)
    local found
    if first == "[" then found = from_json(data) else found = plain(data) end
    if not found then return nil end
    found.id = id_of(found.id, thread)
    return found.id and found or nil
end

return M
