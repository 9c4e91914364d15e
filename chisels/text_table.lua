-- Tables with many columns, as text or as JSON of the form that print_sorted_table has.
--
-- A column: { title, key (of the row's value), width, unit (number -> text, optional), is_key }.
-- luacheck: read globals clean

require "common"
local json = require "json"
local losses = require "losses"

local M = {}

local KEY_ORDER = { "ts", "data", "info", "lost", "counted", "name", "desc", "is_key" }

-- One line: every cell padded to its column, but for the last one. Nothing is cut: names matter more than columns.
function M.line(columns, cell_of)
    local cells = {}
    for i, column in ipairs(columns) do
        local text = cell_of(column)
        cells[i] = i == #columns and text or ("%-" .. column.width - 1 .. "s "):format(text)
    end
    return table.concat(cells)
end

-- The line of a row; a value that is not there is a dash.
function M.row_line(columns, row)
    return M.line(columns, function(column)
        local value = row[column.key]
        if value == nil then
            return "-"
        end
        return column.unit and column.unit(value) or clean(tostring(value))
    end)
end

-- Print titles and a line of dashes under them.
function M.print_header(columns)
    local width = 0
    for _, column in ipairs(columns) do
        width = width + column.width
    end
    print(M.line(columns, function(column) return column.title end))
    print(("-"):rep(width))
end

local function print_json(columns, rows, ts_s)
    local data, info = { n = #rows }, {}
    for i, row in ipairs(rows) do
        data[i] = { n = #columns }
        for j, column in ipairs(columns) do
            data[i][j] = row[column.key]
        end
    end
    for i, column in ipairs(columns) do
        info[i] = { name = column.key, desc = column.title, is_key = column.is_key or false }
    end
    local lost = sysdig.get_lost_events()
    local whole = { ts = sysdig.make_ts(ts_s, 0), data = data, info = info, lost = lost > 0 and lost or nil }
    whole.counted = losses.counted_since_last()
    print(json.encode(whole, { indent = true, keyorder = KEY_ORDER }))
end

-- Print a list of rows, counted since the start, under the columns, in the form that the run asks for. A row with
-- `has_gap` is marked: events were lost while it grew.
function M.print(columns, rows, ts_s)
    if sysdig.get_output_format() == "json" then
        return print_json(columns, rows, ts_s)
    end
    M.print_header(columns)
    for _, row in ipairs(rows) do
        print(M.row_line(columns, row) .. (row.has_gap and " !" or ""))
    end
    losses.print_mark(sysdig.get_lost_events())
end

-- Print one row by itself: a line of text, or a JSON object on one line.
function M.print_row(columns, row)
    if sysdig.get_output_format() ~= "json" then
        return print(M.row_line(columns, row))
    end
    local object, order = {}, {}
    for i, column in ipairs(columns) do
        object[column.key], order[i] = row[column.key], column.key
    end
    print(json.encode(object, { keyorder = order }))
end

return M
