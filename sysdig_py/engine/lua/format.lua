-- Output formats (-p): text with %fields -> a function that makes the line of the current event.
--   %field    the field's text; %Nfield padded with blanks or cut to N bytes
--   *...      print the line although fields have no value, as <NA>; otherwise such a line is left out
-- The same format makes JSON objects when JSON was chosen.
local dialect = require("dialect")
local ev = require("ev")
local fields = require("fields.init")
local evt_time = require("fields.evt_time")
local json = require("json")
local buffers = require("render.buffer")

local M = {}

local concat, sub, rep = table.concat, string.sub, string.rep
local MISSING = "<NA>"

M.DEFAULT = "*%evt.num %evt.outputtime %evt.cpu %proc.name (%thread.tid) %evt.dir %evt.type %evt.info"
M.DEFAULT_TTY = "*%evt.num %evt.outputtime %evt.cpu %proc.name (%proc.pid.%thread.tid) %evt.dir %evt.type %evt.info"
M.CONTAINER = "*%evt.num %evt.outputtime %evt.cpu %container.name (%container.id) %proc.name"
    .. " (%thread.tid:%thread.vtid) %evt.dir %evt.type %evt.info"

local is_json = false

-- Whether formats compiled from now on make JSON objects.
function M.set_json(on)
    is_json = on
    buffers.keep_whole(on)
end

-- Choose the style of evt.outputtime (a h r d D) for formats compiled from now on; nil, message for another letter.
function M.set_time_style(letter)
    return evt_time.set_style(letter)
end

-- The field behind a %, its width (nil, or written as 0: as it is), and what follows.
local function token(text)
    local digits, name = text:match("^(%d*)(.*)$")
    if name == "" and digits == "" then
        error("invalid formatting syntax: formatting cannot end with a %", 0)
    end
    local field, rest = fields.prefix(name)
    if not field then error("invalid formatting token " .. text, 0) end
    if field.flags:find("F", 1, true) then
        error(field.name .. " is filter only and cannot be used as a display field", 0)
    end
    local width = tonumber(digits)
    return field, width ~= 0 and width or nil, rest
end

-- Split a format into literal texts and { field, width }.
local function parse(text)
    local parts = {}
    while true do
        local at = text:find("%", 1, true)
        if not at then break end
        if at > 1 then parts[#parts + 1] = text:sub(1, at - 1) end
        local field, width, rest = token(text:sub(at + 1))
        parts[#parts + 1] = { field = field, width = width }
        text = rest
    end
    if text ~= "" then parts[#parts + 1] = text end
    return parts
end

local function fit(text, width)
    if #text >= width then return sub(text, 1, width) end
    return text .. rep(" ", width - #text)
end

-- The line of all parts. Every field is asked even when one had no value: some remember the last event they saw.
local function line_function(parts, keep)
    local n = #parts
    local out = {}
    return function()
        local complete = true
        for i = 1, n do
            local part = parts[i]
            if type(part) == "string" then
                out[i] = part
            else
                local text = part.field.text()
                if text == nil then complete, text = false, MISSING end
                out[i] = part.width and fit(text, part.width) or text
            end
        end
        if not (complete or keep) then return nil end
        return concat(out, "", 1, n)
    end
end

local AS_NUMBER = {
    ["evt.time"] = true, ["evt.time.s"] = true, ["evt.datetime"] = true, ["evt.datetime.s"] = true,
    ["evt.outputtime"] = true, ["evt.time.iso8601"] = true,
}
local TEXT_TYPES = {
    charbuf = true, bytebuf = true, ipaddr = true, ipv4addr = true, ipv6addr = true, fspath = true, fsrelpath = true,
}

local function epoch_text()
    local s, ns = ev.time()
    return ("%d%09d"):format(s, ns)
end

local RAW = { ["evt.rawtime"] = true }

-- Function that gives the JSON text of a field's value.
local function json_getter(field)
    if AS_NUMBER[field.name] or RAW[field.name] then return epoch_text end
    if field.name == "fd.dev" then
        return function()
            local dev = field.get()
            return json.value(dev and ("%d"):format(dev))
        end
    end
    if TEXT_TYPES[field.type] then
        local is_raw = field.type == "bytebuf" and field.name ~= "evt.buffer" and not dialect.paired
        local text = is_raw and field.get or field.text
        return function()
            return json.value(text())
        end
    end
    return function()
        return json.value(field.get())
    end
end

local function json_members(parts)
    local members, known = {}, {}
    for _, part in ipairs(parts) do
        if type(part) ~= "string" and not known[part.field.name] then
            known[part.field.name] = true
            members[#members + 1] = { name = part.field.name, get = json_getter(part.field) }
        end
    end
    table.sort(members, function(a, b) return a.name < b.name end)
    return members
end

local function json_function(parts, keep)
    local members = json_members(parts)
    return function()
        local out, complete = {}, true
        for i = 1, #members do
            local value = members[i].get()
            if value == "null" then complete = false end
            out[i] = json.string(members[i].name) .. ":" .. value
        end
        if not (complete or keep) then return nil end
        return "{" .. concat(out, ",") .. "}"
    end
end

local function compile(text, make)
    local keep = text:sub(1, 1) == "*"
    return make(parse(keep and text:sub(2) or text), keep)
end

-- Function that gives the line of the current event, nil when it is to be left out. Raises a text for a bad format.
function M.compile(text)
    return compile(text, is_json and json_function or line_function)
end

-- The same as a JSON object with a member per field, whatever set_json says.
function M.compile_json(text)
    return compile(text, json_function)
end

return M
