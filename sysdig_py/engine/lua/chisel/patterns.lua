-- string.match and string.find, which LuaJIT leaves compiled code for, asked only about texts that may match: how a
-- pattern begins rules most of them out, and that is compiled.
--
-- What is ruled out is what the real function answers with nil, having looked at nothing but the pattern's beginning:
-- so patterns that are malformed fail as they always do.

local ffi = require("ffi")

local M = {}

local plain_match, plain_find = string.match, string.find
local byte, char, sub, type = string.byte, string.char, string.sub, type

-- scripts may make patterns without end
local MAX_RULES = 1000
local MAX_CAPTURES = 8
-- what is not itself in a pattern; a NUL ends it
local MAGIC, MODIFIERS = "[%^%$%*%+%?%.%(%)%[%]%%%-%z]", "^[%*%?%-]"

-- pattern -> { first = for every byte, whether a match begins with it | literal = text every match begins with } | NONE
local NONE = {}
local rules, count = {}, 0

-- The item of a pattern at `at` that stands for one character and must be there: itself, and where the next begins.
local function item_at(pattern, at)
    local item = sub(pattern, at, at)
    if item == "%" then
        item = sub(pattern, at, at + 1)
        -- %b and %f are no characters, %1 is what was found before
        if #item < 2 or plain_find(item, "^%%[bf%d%z]") then
            return nil
        end
    elseif item == "" or plain_find(item, MAGIC) then
        return nil
    end
    local following = at + #item
    if plain_find(sub(pattern, following, following), MODIFIERS) then
        return nil
    end
    return item, following
end

-- item -> the rule that a match begins with it; there are not many
local by_item = {}

local function bytes_of(item)
    local rule = by_item[item]
    if not rule then
        rule = { first = ffi.new("bool[256]") }
        for value = 0, 255 do
            rule.first[value] = plain_find(char(value), "^" .. item) ~= nil
        end
        by_item[item] = rule
    end
    return rule
end

-- For a pattern that holds at the text's beginning only: the bytes it may begin with.
local function first_bytes(pattern)
    local at = 2
    while sub(pattern, at, at) == "(" and at <= MAX_CAPTURES do
        at = at + 1
    end
    local item = item_at(pattern, at)
    return item and bytes_of(item) or NONE
end

-- For any other: the text it begins with.
local function literal_head(pattern)
    local parts, at, item, following = {}, 1, item_at(pattern, 1)
    -- letters after a % stand for many
    while item and not plain_find(item, "^%%%a") do
        parts[#parts + 1], at = sub(item, -1), following
        item, following = item_at(pattern, at)
    end
    return at > 1 and { literal = table.concat(parts) } or NONE
end

local function learn(pattern)
    if count == MAX_RULES then
        rules, count = {}, 0
    end
    local rule = sub(pattern, 1, 1) == "^" and first_bytes(pattern) or literal_head(pattern)
    rules[pattern], count = rule, count + 1
    return rule
end

-- Whether the pattern cannot be found in the text.
local function is_ruled_out(text, pattern)
    local rule = rules[pattern] or learn(pattern)
    if rule.first then
        return text == "" or not rule.first[byte(text)]
    end
    return rule.literal ~= nil and plain_find(text, rule.literal, 1, true) == nil
end

function M.match(text, pattern, init)
    if init == nil and type(text) == "string" and type(pattern) == "string" and is_ruled_out(text, pattern) then
        return nil
    end
    return plain_match(text, pattern, init)
end

function M.find(text, pattern, init, plain)
    if init == nil and plain == nil and type(text) == "string" and type(pattern) == "string"
        and plain_find(pattern, MAGIC) and is_ruled_out(text, pattern) then
        return nil
    end
    return plain_find(text, pattern, init, plain)
end

return M
