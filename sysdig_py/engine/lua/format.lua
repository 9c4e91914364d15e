-- Output formats (-p): text with %fields -> a function that makes the line of the current event.
--   %field    the field's text (or a transformer's: %toupper(proc.name)); %Nfield padded with blanks or cut to N bytes
--   *...      print the line although fields have no value, as <NA>; otherwise such a line is left out
-- The same format makes JSON objects when JSON was chosen.
local dialect = require("dialect")
local ev = require("ev")
local fields = require("fields.init")
local evt_time = require("fields.evt_time")
local json = require("json")
local straight = require("straight")
local written = require("written")
local buffers = require("render.buffer")

local M = {}

local sub, rep = string.sub, string.rep
local MISSING = "<NA>"
local MAX_WIDTH = 10000

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
    -- few formats have transformers
    if not field and name:find("^%l[%l%d]*%(") then field, rest = require("fields.transformed").prefix(name) end
    if not field then error("invalid formatting token " .. text, 0) end
    if field.flags:find("F", 1, true) then
        error(field.name .. " is filter only and cannot be used as a display field", 0)
    end
    local width = tonumber(digits)
    if width and width > MAX_WIDTH then error("a field is at most " .. MAX_WIDTH .. " wide, not " .. digits, 0) end
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

-- Function that appends a field in a column; a missing value is told by false, and shown.
local function put_column(field, width)
    local missing = fit(MISSING, width)
    return function(buf)
        local text = field.text()
        buf:put(text and fit(text, width) or missing)
        return text ~= nil
    end
end

-- The writer of lines: every field is asked even when one had no value, since some remember the last event they saw.
local function line_writer(parts)
    local code = straight.new("buf")
    code:add("local complete = true")
    for _, part in ipairs(parts) do
        if type(part) == "string" then
            code:add("buf:put(%q)", part)
        elseif part.width then
            code:add("if not %s(buf) then complete = false end", code:name(put_column(part.field, part.width)))
        else
            code:add("if not %s(buf) then buf:put(%q) complete = false end", code:name(part.field.put), MISSING)
        end
    end
    code:add("return complete")
    return code:load("line")
end

local AS_NUMBER = {
    ["evt.time"] = true, ["evt.time.s"] = true, ["evt.datetime"] = true, ["evt.datetime.s"] = true,
    ["evt.outputtime"] = true, ["evt.time.iso8601"] = true,
}
local TEXT_TYPES = {
    charbuf = true, bytebuf = true, ipaddr = true, ipv4addr = true, ipv6addr = true, fspath = true, fsrelpath = true,
}

local function put_epoch(buf)
    local s, ns = ev.time()
    buf:putf("%d%09d", s, ns)
    return true
end

local RAW = { ["evt.rawtime"] = true }

local function put_device(get)
    return function(buf)
        local dev = get()
        if not dev then return json.put_null(buf) end
        buf:putf('"%d"', dev)
        return true
    end
end

-- Function that appends the JSON text of a field's value; it returns false for null.
local function json_put(field)
    if AS_NUMBER[field.name] or RAW[field.name] then return put_epoch end
    if field.name == "fd.dev" then return put_device(field.get) end
    if not TEXT_TYPES[field.type] then return json.put_value(field.get) end
    if field.type == "bytebuf" and field.name ~= "evt.buffer" and not dialect.paired then
        return json.put_value(field.get)
    end
    return field.makes_text and json.put_written(field.put) or json.put_value(field.text)
end

local function json_members(parts)
    local members, known = {}, {}
    for _, part in ipairs(parts) do
        if type(part) ~= "string" and not known[part.field.name] then
            known[part.field.name] = true
            members[#members + 1] = part.field
        end
    end
    table.sort(members, function(a, b) return a.name < b.name end)
    return members
end

local function json_writer(parts)
    local code = straight.new("buf")
    code:add("local complete = true")
    for i, field in ipairs(json_members(parts)) do
        code:add("buf:put(%q)", (i == 1 and "{" or ",") .. json.string(field.name) .. ":")
        code:add("if not %s(buf) then complete = false end", code:name(json_put(field)))
    end
    code:add("buf:put('}') return complete")
    return code:load("JSON line")
end

local function compile(text, make)
    local keep = text:sub(1, 1) == "*"
    return make(parse(keep and text:sub(2) or text)), keep
end

-- Function that appends the line of the current event to a buffer and returns whether all fields had a value; and
-- whether the line is to be shown when they had not. Raises a text for a bad format.
function M.writer(text)
    return compile(text, is_json and json_writer or line_writer)
end

local function as_text(put, keep)
    return written.text_of(keep and function(buf)
        put(buf)
        return true
    end or put)
end

-- Function that gives the line of the current event, nil when it is to be left out. Raises a text for a bad format.
function M.compile(text)
    return as_text(M.writer(text))
end

-- The same as a JSON object with a member per field, whatever set_json says.
function M.compile_json(text)
    return as_text(compile(text, json_writer))
end

return M
