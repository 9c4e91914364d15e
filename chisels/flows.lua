-- Who talks to whom: every connection, containers named on both ends, bytes each way, requests and their latency.
--
--   sysdig-py -c flows
--
--   Client              Server              Port  Proto Sent      Received  Requests Avg     Max
--   ---------------------------------------------------------------------------------------------
--   web                 cache               6379  tcp   18.20KB   2.31M     411      92us    1.20ms
--   curl                93.184.216.34       443   tcp   517B      11.31KB   3        36ms    80ms
--
-- An end is named by its container, else by its process, else by its address ("host" for one of this machine's).
-- Connections that differ only in the client's port are one row; rows are sorted by bytes. Sent and Received are
-- the client's. A connection whose both ends are on this machine is counted once: at its client when that was seen
-- moving data, else at its server. Latency runs at the client from the end of the last write to the end of the first
-- read of the answer; where only the server was seen, from its last read to its first write.
-- luacheck: read globals clean format_bytes format_time_interval

require "common"
local terminal = require "ansiterminal"
local flow_book = require "flow_book"
local json = require "json"

description = "Shows every network connection with the container (or process, or address) on both ends, the protocol, "
    .. "the bytes each way, the number of requests and their average and maximum latency."
short_description = "Who talks to whom, with bytes and latency"
category = "Net"

args = {}

local COLUMNS = {
    { title = "Client", key = "client", width = 20 },
    { title = "Server", key = "server", width = 20 },
    { title = "Port", key = "port", width = 6 },
    { title = "Proto", key = "proto", width = 6 },
    { title = "Sent", key = "sent", width = 10, unit = format_bytes },
    { title = "Received", key = "received", width = 10, unit = format_bytes },
    { title = "Requests", key = "requests", width = 9 },
    { title = "Avg", key = "average", width = 8, unit = format_time_interval },
    { title = "Max", key = "maximum", width = 8, unit = format_time_interval },
}
local RULER = ("-"):rep(97)

local book
local fields
local is_redrawn

function on_init()
    fields = {
        name = chisel.request_field("fd.name"),
        proto = chisel.request_field("fd.l4proto"),
        size = chisel.request_field("evt.rawres"),
        is_read = chisel.request_field("evt.is_io_read"),
        is_server = chisel.request_field("fd.is_server"),
        time = chisel.request_field("evt.reltime"),
        port = chisel.request_field("fd.sport"),
        process = chisel.request_field("proc.name"),
        container = chisel.request_field("container.name"),
        client_address = chisel.request_field("fd.cip"),
        server_address = chisel.request_field("fd.sip"),
        client_container = chisel.request_field("fd.cip.container"),
        server_container = chisel.request_field("fd.sip.container"),
    }
    chisel.set_filter("evt.is_io=true and evt.dir=< and evt.rawres>0 and (fd.type=ipv4 or fd.type=ipv6)")
    book = flow_book.new()
    return true
end

function on_capture_start()
    is_redrawn = sysdig.is_live() and sysdig.is_tty()
    if is_redrawn then
        chisel.set_interval_s(1)
    end
    return true
end

local function is_container(name)
    return name and name ~= "host"
end

-- The end of this event's own process.
local function own_name(by_address)
    local container = evt.field(fields.container)
    if is_container(container) then
        return container
    end
    return is_container(by_address) and by_address or evt.field(fields.process)
end

local function describe(flow, is_server)
    local client, server = evt.field(fields.client_container), evt.field(fields.server_container)
    flow.port, flow.proto = evt.field(fields.port) or 0, evt.field(fields.proto) or ""
    flow.client_address = client or evt.field(fields.client_address)
    flow.server_address = server or evt.field(fields.server_address)
    if is_server then
        flow.server_name = own_name(server)
    else
        flow.client_name = own_name(client)
    end
end

function on_event()
    local name = evt.field(fields.name)
    if not name then
        return false
    end
    local is_server = evt.field(fields.is_server) == true
    local flow, side = book:side(name, is_server)
    if side.requests < 0 then
        side.requests = 0
        describe(flow, is_server)
    end
    side:move(evt.field(fields.is_read), evt.field(fields.size), evt.field(fields.time), is_server)
    return false
end

local function text_line(cell_of)
    local cells = {}
    for i, column in ipairs(COLUMNS) do
        local text = cell_of(column)
        cells[i] = i == #COLUMNS and text or ("%-" .. column.width - 1 .. "s "):format(text)
    end
    return table.concat(cells)
end

local function print_text(rows)
    print(text_line(function(column) return column.title end))
    print(RULER)
    for _, row in ipairs(rows) do
        print(text_line(function(column)
            local value = row[column.key]
            if value == nil then
                return "-"
            end
            return column.unit and column.unit(value) or clean(tostring(value))
        end))
    end
end

local function print_json(rows, ts_s)
    local data, info = { n = #rows }, {}
    for i, row in ipairs(rows) do
        data[i] = { n = #COLUMNS }
        for j, column in ipairs(COLUMNS) do
            data[i][j] = row[column.key]
        end
    end
    for i, column in ipairs(COLUMNS) do
        info[i] = { name = column.key, desc = column.title, is_key = i <= 4 }
    end
    local whole = { ts = sysdig.make_ts(ts_s, 0), data = data, info = info }
    print(json.encode(whole, { indent = true, keyorder = { "ts", "data", "info", "name", "desc", "is_key" } }))
end

local function print_rows(ts_s)
    local rows = book:rows()
    if sysdig.get_output_format() == "json" then
        print_json(rows, ts_s)
    else
        print_text(rows)
    end
end

function on_interval(ts_s)
    if sysdig.get_output_format() ~= "json" then
        terminal.clearscreen()
        terminal.moveto(0, 0)
    end
    print_rows(ts_s)
    return true
end

function on_capture_end(ts_s)
    if not is_redrawn then
        print_rows(ts_s)
    end
end
