-- What fileslower and netlower share: one line per read or write that took longer than a threshold.
-- luacheck: read globals clean parse_numeric_input

require "common"
local color = require "color_option"

local M = {}

local NS_PER_MS = 1000000
local PLAIN = "%-23.23s %-12.12s %-8s %12s %s"
local WITH_CONTAINER = "%-23.23s %-20.20s %-20.20s %-12.12s %-8s %12s %s"

local min_ns
local with_container
local skipped_prefix
local fields

-- The arguments of such a chisel; `what` says what is slow.
function M.arguments(what)
    return {
        { name = "min_ms", argtype = "int", description = "Minimum millisecond threshold for showing " .. what },
        color.argument,
    }
end

function M.set_arg(name, value)
    if not color.take(name, value) then
        min_ns = parse_numeric_input(value, name) * NS_PER_MS
    end
    return true
end

local function print_header()
    local titles = { "evt.datetime", "proc.name", "evt.type", "LATENCY(ms)", "fd.name" }
    local dashes = { ("-"):rep(23), ("-"):rep(12), ("-"):rep(8), ("-"):rep(12), ("-"):rep(41) }
    if with_container then
        table.insert(titles, 2, "container.id")
        table.insert(titles, 3, "container.name")
        table.insert(dashes, 2, ("-"):rep(20))
        table.insert(dashes, 3, ("-"):rep(20))
    end
    titles[#titles - 1] = ("%-12s"):format(titles[#titles - 1])
    print((with_container and WITH_CONTAINER or PLAIN):format(unpack(titles)))
    print(table.concat(dashes, " "))
end

-- Begin with the events of `filter`; names that start with `skipped` (optional) are left out.
function M.init(filter, skipped)
    color.apply()
    with_container, skipped_prefix = sysdig.is_print_container_data(), skipped
    fields = {
        time = chisel.request_field("evt.datetime"),
        process = chisel.request_field("proc.name"),
        type = chisel.request_field("evt.type"),
        latency = chisel.request_field("evt.latency"),
        name = chisel.request_field("fd.name"),
        container = chisel.request_field("container.name"),
        container_id = chisel.request_field("container.id"),
    }
    chisel.set_filter(filter)
    print_header()
    return true
end

local function print_call(latency, name)
    local container = evt.field(fields.container) or ""
    local time, process = evt.field(fields.time) or "", clean(evt.field(fields.process) or "")
    local type, ms = evt.field(fields.type), ("%d"):format(latency / NS_PER_MS)
    local tint = color.of_container(container)
    if with_container then
        local id = evt.field(fields.container_id) or ""
        print(tint .. WITH_CONTAINER:format(time, id, container, process, type, ms, clean(name)))
    else
        print(tint .. PLAIN:format(time, process, type, ms, clean(name)))
    end
end

function M.on_event()
    local latency = evt.field(fields.latency)
    if not latency or latency <= 0 or latency < min_ns then
        return false
    end
    local name = evt.field(fields.name) or ""
    if not skipped_prefix or name:sub(1, #skipped_prefix) ~= skipped_prefix then
        print_call(latency, name)
    end
    return true
end

return M
