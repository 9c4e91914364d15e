-- What a view says in its `view_info`: checked, complete with the defaults, and plain tables all through. Everything is
-- read raw, since the table comes from a script.

local M = {}

local AGGREGATIONS = { SUM = true, TIME_AVG = true, AVG = true, MIN = true, MAX = true, [""] = true }
local TYPES = { table = true, list = true, spectrogram = true }

local function fail(text)
    error("view format error: " .. text, 0)
end

local function take(source, key, kind, default)
    local value = rawget(source, key)
    if value == nil then
        return default
    elseif type(value) ~= kind then
        fail(("%s is a %s, not a %s"):format(key, type(value), kind))
    end
    return value
end

local function texts(source, key)
    local list, given = {}, take(source, key, "table", {})
    for i = 1, #given do
        local value = rawget(given, i)
        if type(value) ~= "string" then
            fail(key .. " holds something that is not text")
        end
        list[i] = value
    end
    return list
end

local function each(source, key, read)
    local list, given = {}, take(source, key, "table", {})
    for i = 1, #given do
        local entry = rawget(given, i)
        if type(entry) ~= "table" then
            fail(("entry %d of %s is no table"):format(i, key))
        end
        list[i] = read(entry)
    end
    return list
end

local function aggregation(source, key)
    local name = take(source, key, "string", "")
    if not AGGREGATIONS[name] then
        fail("unknown aggregation " .. name)
    end
    return name
end

local function column(source)
    return {
        name = take(source, "name", "string", ""),
        description = take(source, "description", "string", ""),
        field = take(source, "field", "string", ""),
        -- nil: as wide as its type; 0: the rest of the line
        colsize = take(source, "colsize", "number", nil),
        is_key = take(source, "is_key", "boolean", false),
        is_groupby_key = take(source, "is_groupby_key", "boolean", false),
        is_sorting = take(source, "is_sorting", "boolean", false),
        aggregation = aggregation(source, "aggregation"),
        groupby_aggregation = aggregation(source, "groupby_aggregation"),
        tags = texts(source, "tags"),
        filter_in_child_only = take(source, "filter_in_child_only", "boolean", false),
        filterfield = take(source, "filterfield", "string", ""),
    }
end

local function action(source)
    local hotkey = take(source, "hotkey", "string", "")
    if #hotkey ~= 1 then
        fail("a hotkey is one character, not '" .. hotkey .. "'")
    end
    return {
        hotkey = hotkey,
        command = take(source, "command", "string", ""),
        description = take(source, "description", "string", ""),
        wait_finish = take(source, "wait_finish", "boolean", true),
        ask_confirmation = take(source, "ask_confirmation", "boolean", false),
    }
end

local function count(columns, key)
    local number = 0
    for _, one in ipairs(columns) do
        number = number + (one[key] and 1 or 0)
    end
    return number
end

local function check(view)
    if view.id == "" or view.name == "" then
        fail("a view needs an id and a name")
    elseif not TYPES[view.view_type] then
        fail("unknown view_type " .. view.view_type)
    elseif count(view.columns, "is_sorting") > 1 then
        fail("more than one sorting column")
    end
    local keys = count(view.columns, "is_key")
    if view.view_type == "table" and keys == 0 then
        fail("a table needs a key column")
    elseif view.view_type == "list" and keys > 0 then
        fail("a list has no key columns")
    end
end

-- Return the view in `info`; raises a text.
function M.read(info)
    local view = {
        id = take(info, "id", "string", ""),
        name = take(info, "name", "string", ""),
        description = take(info, "description", "string", ""),
        tips = texts(info, "tips"),
        tags = texts(info, "tags"),
        view_type = take(info, "view_type", "string", "table"),
        applies_to = texts(info, "applies_to"),
        filter = take(info, "filter", "string", ""),
        use_defaults = take(info, "use_defaults", "boolean", false),
        is_root = take(info, "is_root", "boolean", false),
        drilldown_target = take(info, "drilldown_target", "string", ""),
        drilldown_increase_depth = take(info, "drilldown_increase_depth", "boolean", false),
        propagate_filter = take(info, "propagate_filter", "boolean", true),
        spectro_type = take(info, "spectro_type", "string", ""),
        columns = each(info, "columns", column),
        actions = each(info, "actions", action),
    }
    check(view)
    return view
end

return M
