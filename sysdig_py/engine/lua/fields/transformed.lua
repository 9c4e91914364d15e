-- Transformers inside formats: `%toupper(proc.name)`, `%concat(proc.name, ":", basename(proc.exe))`. The same ones as
-- in filters (sysdig_py/filter/semantics.py says what they take); arguments are fields, quoted texts, and transformers.
local fields = require("fields.init")
local transform = require("filter_transform")

local M = {}

local TEXT = { charbuf = true, fspath = true, fsrelpath = true }
local BYTES = { charbuf = true, fspath = true, fsrelpath = true, bytebuf = true }
local MAX_DEPTH, MAX_ARGUMENTS = 16, 100

-- name -> types of what it takes, type of what it gives, fewest and most arguments
local KNOWN = {
    tolower = { takes = TEXT, gives = "charbuf", fewest = 1, most = 1 },
    toupper = { takes = TEXT, gives = "charbuf", fewest = 1, most = 1 },
    basename = { takes = TEXT, gives = "charbuf", fewest = 1, most = 1 },
    b64 = { takes = BYTES, gives = "charbuf", fewest = 1, most = 1 },
    len = { takes = BYTES, gives = "uint64", fewest = 1, most = 1 },
    concat = { takes = TEXT, gives = "charbuf", fewest = 2, most = MAX_ARGUMENTS },
}

local function fail(form, ...)
    error("invalid formatting syntax: " .. form:format(...), 0)
end

local function constant(text)
    return { name = text, type = "charbuf", get = function() return text end }
end

local operand

-- The arguments in `text`, which begins behind the parenthesis, and what comes behind the closing one.
local function arguments_of(name, text, depth)
    local list = {}
    while true do
        local argument, rest = operand(name, text, depth)
        list[#list + 1] = argument
        local mark, behind = rest:match("^%s*([,)])(.*)$")
        if not mark then fail("%s() is not closed: %s", name, rest) end
        if mark == ")" then return list, behind end
        text = behind
    end
end

local function check(name, known, list)
    if #list < known.fewest or #list > known.most then
        fail("%s() takes %s argument%s", name, known.fewest .. (known.most > known.fewest and " or more" or ""),
            known.most > 1 and "s" or "")
    end
    for _, argument in ipairs(list) do
        if not known.takes[argument.type] then
            fail("%s() takes text, and %s is of type %s", name, argument.name, argument.type)
        end
    end
end

-- Function that gives the result for the current event. Every argument is asked, since some remember.
local function computed(transformer, list)
    local first = list[1].get
    if #list == 1 then return function() return transformer(first()) end end
    return function()
        local values = {}
        for i = 1, #list do values[i] = list[i].get() end
        return transformer(unpack(values, 1, #list))
    end
end

local function transformed(text, depth)
    local name, rest = text:match("^(%l[%l%d]*)%((.*)$")
    local known = name and KNOWN[name]
    if not known then return nil end
    if depth > MAX_DEPTH then fail("transformers are nested too deeply") end
    local list, behind = arguments_of(name, rest, depth + 1)
    check(name, known, list)
    local whole = text:sub(1, #text - #behind)
    return { name = whole, type = known.gives, get = computed(transform[name], list) }, behind
end

function operand(name, text, depth)
    text = text:match("^%s*(.*)$")
    local quoted, behind = text:match('^"([^"]*)"(.*)$')
    if quoted then return constant(quoted), behind end
    local found, rest = transformed(text, depth)
    if not found then found, rest = fields.prefix(text) end
    if not found then fail("%s() takes fields and quoted texts, not %s", name, text) end
    return found, rest
end

-- The field that a transformer at the start of `text` makes, and the rest of `text`; nil when there is none. Raises a
-- text for a wrong one.
function M.prefix(text)
    local found, rest = transformed(text, 1)
    if not found then return nil end
    return fields.made(found.name, found.type, found.get), rest
end

return M
