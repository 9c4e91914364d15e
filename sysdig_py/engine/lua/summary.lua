-- How often each event came: the table of -S. Counts go on over all files of a run.
local ev = require("ev")
local lanes = require("scap.lanes")
local overhead = require("state.overhead")
local sinks = require("sinks")
local state_records = require("state.records")

local event_info = require("event_info")
local schema = require("schema_data")

local M = {}

local LIMIT, RULE = 100, ("-"):rep(22)
local entered, left = {}, {}

local function count()
    local counts, name = ev.is_exit and left or entered, ev.name
    counts[name] = (counts[name] or 0) + 1
end

local function add(code, number, call)
    local info = event_info.events[code]
    local counts, name = info.is_exit and left or entered, call and schema.syscall_names[call] or info.name
    counts[name] = (counts[name] or 0) + number
end

-- Count every event that is delivered from now on.
function M.start()
    sinks.add({ on_event = count, counted = add })
end

-- Every count as two results: mark and name (`> read`), number.
function M.counts()
    local flat = {}
    for mark, counts in pairs({ [">"] = entered, ["<"] = left }) do
        for name, number in pairs(counts) do
            flat[#flat + 1], flat[#flat + 2] = mark .. " " .. name, number
        end
    end
    return unpack(flat)
end

-- Add a count that was made elsewhere.
function M.add(marked, number)
    local counts, name = marked:sub(1, 1) == "<" and left or entered, marked:sub(3)
    counts[name] = (counts[name] or 0) + number
end

local function add_rows(rows, mark, counts)
    for name, number in pairs(counts) do
        rows[#rows + 1] = { mark .. " " .. name, number, name }
    end
end

local function is_before(a, b)
    if a[2] ~= b[2] then return a[2] > b[2] end
    if a[3] ~= b[3] then return a[3] < b[3] end
    return a[1] > b[1]
end

-- The table as text: the most frequent events first, calls before their returns. A longer name is cut to its column.
function M.text()
    lanes.settle()
    local rows = {}
    add_rows(rows, ">", entered)
    add_rows(rows, "<", left)
    table.sort(rows, is_before)
    local lines = { RULE, "Event           #Calls", RULE }
    for i = 1, math.min(#rows, LIMIT) do
        lines[#lines + 1] = ("%-18.18s%d"):format(rows[i][1], rows[i][2])
    end
    if state_records.lost_in_all > 0 then
        lines[#lines + 1] = ("! %d events were lost: the counts are lower bounds"):format(state_records.lost_in_all)
    end
    if overhead.counted_in_all > 0 then lines[#lines + 1] = overhead.mark_of_counts() end
    return table.concat(lines, "\n") .. "\n"
end

return M
