-- What chisels share: text, units, sorted tables. Names are globals, as chisels expect of this module.
-- luacheck: allow defined top, ignore 131

json = require("json")
local losses = require("losses")

ONE_S_IN_NS = 1000000000
ONE_MS_IN_NS = 1000000
ONE_US_IN_NS = 1000

local JSON_ORDER = { "ts", "data", "info", "lost", "counted", "name", "desc", "is_key" }
local KEY_SEPARATOR = "\001\001"
local COLUMN = 20
local RULER = ("-"):rep(80)
local UNITS = { { 1024 ^ 5, "P" }, { 1024 ^ 4, "T" }, { 1024 ^ 3, "G" }, { 1024 ^ 2, "M" }, { 1024, "KB" } }

-- Pad `text` with blanks to `width`; a longer one keeps width - 1 characters and a blank.
function extend_string(text, width)
    if #text < width then
        return text .. (" "):rep(width - #text)
    end
    return text:sub(1, width - 1) .. " "
end

-- Replace control characters, so that a file's or a process' name cannot steer the terminal.
function clean(text)
    return (text:gsub("%c", "."))
end

-- Split `text` at every match of the Lua pattern.
function split(text, pattern)
    local parts, position = {}, 1
    while true do
        local first, last = text:find(pattern, position)
        if not first or last < first then
            parts[#parts + 1] = text:sub(position)
            return parts
        end
        parts[#parts + 1] = text:sub(position, first - 1)
        position = last + 1
    end
end

function starts_with(text, prefix)
    return text:sub(1, #prefix) == prefix
end

function ends_with(text, suffix)
    return suffix == "" or text:sub(-#suffix) == suffix
end

-- Bytes for people: 12B, 1.50KB, 3.00M.
function format_bytes(bytes)
    for _, unit in ipairs(UNITS) do
        if bytes > unit[1] then
            -- halves go up, which %.2f does not promise
            return ("%.2f%s"):format(math.floor(bytes / unit[1] * 100 + 0.5) / 100, unit[2])
        end
    end
    return ("%dB"):format(bytes)
end

local function hundredths(value, unit, name)
    return ("%d.%02d%s"):format(math.floor(value / unit), math.floor(value % unit * 100 / unit), name)
end

-- Nanoseconds for people: 1.25s, 80ms, 1.05ms, 40us, 1.20us, 90ns.
function format_time_interval(ns)
    if ns >= ONE_S_IN_NS then
        return hundredths(ns, ONE_S_IN_NS, "s")
    elseif ns >= 10 * ONE_MS_IN_NS then
        return ("%dms"):format(math.floor(ns / ONE_MS_IN_NS))
    elseif ns >= ONE_MS_IN_NS then
        return hundredths(ns, ONE_MS_IN_NS, "ms")
    elseif ns >= 10 * ONE_US_IN_NS then
        return ("%dus"):format(math.floor(ns / ONE_US_IN_NS))
    elseif ns >= ONE_US_IN_NS then
        return hundredths(ns, ONE_US_IN_NS, "us")
    end
    return ("%dns"):format(ns)
end

-- Seconds and nanoseconds as one text of ns.
function ts_to_str(sec, ns)
    return ("%d%09d"):format(sec, ns)
end

-- Iterate over the first `count` (0: all) pairs of `values`. order(values, a, b) tells whether key a comes
-- before key b; keys that neither precedes the other are ordered by their text.
function pairs_top_by_val(values, count, order)
    local keys = {}
    for key in pairs(values) do
        keys[#keys + 1] = key
    end
    table.sort(keys, function(a, b)
        if order(values, a, b) then
            return true
        end
        return not order(values, b, a) and tostring(a) < tostring(b)
    end)
    local last, position = count == 0 and #keys or math.min(count, #keys), 0
    return function()
        position = position + 1
        if position <= last then
            return keys[position], values[keys[position]]
        end
        return nil
    end
end

local function descending(values, a, b)
    return values[a] > values[b]
end

local function value_text(value, units, delta)
    if units == "bytes" then
        return format_bytes(value)
    elseif units == "time" then
        return format_time_interval(value)
    elseif units == "timepct" then
        return ("%.2f%%"):format(delta > 0 and value * 100 / delta or 0)
    end
    return tostring(value)
end

local function print_text_table(rows, delta, viz)
    local header = { extend_string(viz.value_desc, COLUMN) }
    for _, desc in ipairs(viz.key_desc) do
        header[#header + 1] = extend_string(desc, COLUMN)
    end
    print(table.concat(header))
    print(RULER)
    for key, value in pairs_top_by_val(rows, viz.top_number, descending) do
        local cells = split(tostring(key), KEY_SEPARATOR)
        for i = 1, #cells do
            cells[i] = i < #cells and extend_string(clean(cells[i]), COLUMN) or clean(cells[i])
        end
        print(extend_string(value_text(value, viz.value_units, delta), COLUMN) .. table.concat(cells))
    end
end

-- The value's description is always the third entry, whatever the number of keys.
local function json_info(viz)
    local info = { n = 3 }
    for i = 1, math.min(#viz.key_fld, 2) do
        info[i] = { name = viz.key_fld[i], desc = viz.key_desc[i], is_key = true }
    end
    info[3] = { name = viz.value_fld, desc = viz.value_desc, is_key = false }
    return info
end

local function print_json_table(rows, ts_s, ts_ns, viz)
    local data = { n = 0 }
    for key, value in pairs_top_by_val(rows, viz.top_number, descending) do
        local row = split(tostring(key), KEY_SEPARATOR)
        row[#row + 1] = value
        data.n = data.n + 1
        data[data.n] = row
    end
    local lost = losses.since_last()
    local whole = { ts = sysdig.make_ts(ts_s, ts_ns), data = data, info = json_info(viz) }
    whole.lost = lost > 0 and lost or nil
    whole.counted = losses.counted_since_last()
    print(json.encode(whole, { indent = true, keyorder = JSON_ORDER }))
end

-- Print rows (joined keys -> number), counted since the last table, as viz says: key_fld, key_desc, value_fld,
-- value_desc, value_units, top_number, output_format.
function print_sorted_table(rows, ts_s, ts_ns, delta, viz)
    if viz.output_format == "json" then
        print_json_table(rows, ts_s, ts_ns, viz)
    else
        print_text_table(rows, delta, viz)
        losses.print_mark(losses.since_last())
    end
end

-- The number in the text of an argument; ends the run when there is none.
function parse_numeric_input(value, name)
    local number = tonumber(value)
    if not number then
        print("Input " .. name .. " must be a number.")
        os.exit()
    end
    return number
end

-- A copy of a table and of the tables in it.
function copytable(original)
    if type(original) ~= "table" then
        return original
    end
    local copy = {}
    for key, value in pairs(original) do
        copy[copytable(key)] = copytable(value)
    end
    return setmetatable(copy, getmetatable(original))
end

-- Append the entries of list `source` to list `target`.
function concattable(target, source)
    for _, value in ipairs(source) do
        target[#target + 1] = value
    end
    return target
end

-- The type of a value; for a table the one its metatable names.
function typeof(value)
    local meta = getmetatable(value)
    return type(meta) == "table" and meta._NAME or type(value)
end

local function table_text(value, depth)
    local lines, keys = { "{" }, {}
    for key in pairs(value) do
        keys[#keys + 1] = key
    end
    table.sort(keys, function(a, b)
        return tostring(a) < tostring(b)
    end)
    for _, key in ipairs(keys) do
        lines[#lines + 1] = st(value[key], key, false, depth + 1) .. ","
    end
    lines[#lines + 1] = (" "):rep(depth) .. "}"
    return lines
end

-- Any value as text: tables with one entry per line, indented; `skip_newlines` puts them on one line.
function st(value, name, skip_newlines, depth)
    depth = depth or 0
    local text
    if type(value) == "table" then
        text = table.concat(table_text(value, depth), skip_newlines and " " or "\n")
    elseif type(value) == "string" then
        text = '"' .. value .. '"'
    else
        text = tostring(value)
    end
    return (" "):rep(depth) .. (name ~= nil and tostring(name) .. " = " or "") .. text
end
