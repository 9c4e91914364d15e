-- Field names to getters. Each class module has `fields`: name -> { get, text } or, for fields with an argument or
-- a memory of their own, { make = function(argument) -> { get, text } or nil }. `get` returns a number, a string, a
-- boolean or nil (no value); addresses are raw bytes and have their text form in `text`. `put(buf)` appends the text to
-- a string buffer and returns false when there is none; a getter has it where that costs less than making the text.
local dialect = require("dialect")
local schema = require("schema_data")
local render = require("render")
local written = require("written")

local M = {}

local classes = {
    require("fields.evt_time"), require("fields.evt"), require("fields.evt_io"), require("fields.proc"),
    require("fields.thread"), require("fields.user"), require("fields.container"), require("fields.fd"),
    require("fields.fd_address"), require("fields.fdlist"), require("fields.syslog"),
    require("fields.event_source"), require("fields.proc_family"), require("fields.proc_program"),
    require("fields.container_details"), require("fields.fd_details"), require("fields.fs_path"),
    require("fields.abspath"), require("fields.probes"), require("fields.orchestration"), require("fields.span"),
    require("fields.util"),
}

local catalogue, names, getters = {}, {}, {}
for _, row in ipairs(schema.fields) do
    catalogue[row[1]] = { name = row[1], type = row[2], flags = row[3] }
    names[#names + 1] = row[1]
end
table.sort(names, function(a, b) return #a > #b end)
for _, class in ipairs(classes) do
    for name, getter in pairs(class.fields) do getters[name] = getter end
end
M.getters = getters

local raw_types = {}
for code = 0, 0xEFFF do
    local info = schema.events[code]
    if not info then break end
    for _, param in ipairs(info.params) do
        raw_types[param.name] = raw_types[param.name] or param.type
    end
end

local function put_number(get)
    return function(buf)
        local value = get()
        if value == nil then return false end
        if value % 1 == 0 then
            buf:putf("%d", value)
        else
            buf:putf("%g", value)
        end
        return true
    end
end

-- sysdig shows one digit behind the point
local function put_real(get)
    if not dialect.paired then return put_number(get) end
    return function(buf)
        local value = get()
        if not value then return false end
        buf:putf("%.1f", value)
        return true
    end
end

local function boolean_text(get)
    return function()
        local value = get()
        if value == nil then return nil end
        return value and "true" or "false"
    end
end

local function string_text(get)
    return function()
        local value = get()
        return value and render.clean(value)
    end
end

-- sysdig shows raw bytes as a C string
local function bytes_text(get)
    if not dialect.paired then return string_text(get) end
    return function()
        local value = get()
        return value and value:match("^%Z*")
    end
end

local TEXT_OF = {
    bool = boolean_text, charbuf = string_text, fspath = string_text, fsrelpath = string_text, bytebuf = bytes_text,
}

-- The text of a field, and the function that appends it: what the getter has itself, else by the type of its value.
local function forms(kind, getter)
    local get, text, put = getter.get, getter.text, getter.put
    if not text and not put then
        if TEXT_OF[kind] then
            text = TEXT_OF[kind](get)
        else
            put = (kind == "double" and put_real or put_number)(get)
        end
    end
    return text or written.text_of(put), put or written.put_of(text)
end

-- every field that something was made for: the keys; `on_news`: called when there is one more
M.used, M.on_news = {}, function() end

local function instance(row, name, argument)
    if not M.used[row.name] then
        M.used[row.name] = true
        M.on_news()
    end
    local getter = getters[row.name]
    if getter and getter.make then getter = getter.make(argument) end
    if not getter then return nil end
    local kind = row.name == "evt.rawarg" and raw_types[argument] or row.type
    local text, put = forms(kind, getter)
    return {
        name = name, type = kind, flags = row.flags, get = getter.get, text = text, put = put, wide = getter.wide,
        exact = getter.exact,
        -- whether text() is get() made fit to be shown, and so the same for the same value
        cleans = not getter.text and TEXT_OF[kind] == string_text,
        makes_text = getter.put ~= nil,
        any = getter.any,
        -- address and length of what get() returns, which is -1 when that is nil
        where = getter.where,
    }
end

-- A field of one's own: `get` gives values of the type `kind`.
function M.made(name, kind, get)
    local text, put = forms(kind, { get = get })
    return { name = name, type = kind, flags = "", get = get, text = text, put = put }
end

local function takes_argument(row)
    return row.flags:find("[Aa]") ~= nil
end

-- keys of labels look like host names with a path
local LABELS = { ["mesos.task.label"] = true, ["marathon.app.label"] = true }
for _, kind in ipairs({ "pod", "rc", "svc", "ns", "rs", "deployment" }) do LABELS["k8s." .. kind .. ".label"] = true end

-- Split `rest`, what follows a field name, into its argument and what comes behind.
local function split_argument(row, rest)
    local argument, behind = rest:match("^%[([^%]]+)%](.*)$")
    if argument then return argument, behind end
    local word
    word, behind = rest:match(LABELS[row.name] and "^%.([%w_./-]+)(.*)$" or "^%.([%w_]+)(.*)$")
    if row.name ~= "evt.rawarg" or not word then return word, behind end
    for stop = #word, 1, -1 do
        if raw_types[word:sub(1, stop)] then return word:sub(1, stop), word:sub(stop + 1) .. behind end
    end
    return nil
end

-- The field at the start of `text` under the name of `row`, and what comes behind it.
local function at_start(row, text)
    local rest = text:sub(#row.name + 1)
    if takes_argument(row) then
        local argument, behind = split_argument(row, rest)
        local field = argument and instance(row, text:sub(1, #text - #behind), argument)
        if field then return field, behind end
        if row.flags:find("A", 1, true) then return nil end
    end
    return instance(row, row.name, nil), rest
end

-- The field with the longest name at the start of `text`, and the rest of `text`; nil when there is none.
function M.prefix(text)
    for i = 1, #names do
        local name = names[i]
        if text:sub(1, #name) == name then
            local field, rest = at_start(catalogue[name], text)
            if field then return field, rest end
        end
    end
    return nil
end

-- The field that the whole of `name` stands for: { name, type, flags, get, text }; nil when there is none.
function M.lookup(name)
    local field, rest = M.prefix(name)
    if field and rest == "" then return field end
    return nil
end

-- Type of the raw argument `name`, as evt.rawarg sees it.
function M.raw_type(name)
    return raw_types[name]
end

return M
