-- Who talks to whom: every connection, containers named on both ends, bytes each way, requests and their latency.
--
--   sysdig-py -c flows
--
--   Client              Server              Port  Proto Sent      Received  Requests Avg     p50     p99     Max
--   -----------------------------------------------------------------------------------------------------------------
--   web                 cache               6379  tcp   18.20KB   2.31M     411      92us    85us    650us   1.20ms
--   curl                93.184.216.34       443   tcp   517B      11.31KB   3        36ms    27ms    80ms    80ms
--
-- An end is named by its container, else by its process, else by its address ("host" for one of this machine's).
-- Connections that differ only in the client's port are one row; rows are sorted by bytes. Sent and Received are
-- the client's. A connection whose both ends are on this machine is counted once: at its client when that was seen
-- moving data, else at its server. Latency runs at the client from the end of the last write to the end of the first
-- read of the answer; where only the server was seen, from its last read to its first write. p50 and p99 are right
-- within 5%. Where events were lost or only counted while a row grew, it is marked with "!" and is a lower bound.
-- luacheck: read globals format_bytes format_time_interval

require "common"
local ends = require "ends"
local flow_book = require "flow_book"
local screen = require "screen"
local text_table = require "text_table"

description = "Shows every network connection with the container (or process, or address) on both ends, the protocol, "
    .. "the bytes each way, the number of requests and their average and maximum latency."
short_description = "Who talks to whom, with bytes and latency"
category = "Net"

args = {}

local COLUMNS = {
    { title = "Client", key = "client", width = 20, is_key = true },
    { title = "Server", key = "server", width = 20, is_key = true },
    { title = "Port", key = "port", width = 6, is_key = true },
    { title = "Proto", key = "proto", width = 6, is_key = true },
    { title = "Sent", key = "sent", width = 10, unit = format_bytes },
    { title = "Received", key = "received", width = 10, unit = format_bytes },
    { title = "Requests", key = "requests", width = 9 },
    { title = "Avg", key = "average", width = 8, unit = format_time_interval },
    { title = "p50", key = "median", width = 8, unit = format_time_interval },
    { title = "p99", key = "p99", width = 8, unit = format_time_interval },
    { title = "Max", key = "maximum", width = 8, unit = format_time_interval },
}

local book
local fields

on_capture_start = screen.start

function on_init()
    fields = {
        name = chisel.request_field("fd.name"),
        proto = chisel.request_field("fd.l4proto"),
        size = chisel.request_field("evt.rawres"),
        is_read = chisel.request_field("evt.is_io_read"),
        is_server = chisel.request_field("fd.is_server"),
        time = chisel.request_field("evt.reltime"),
        port = chisel.request_field("fd.sport"),
    }
    ends.init()
    chisel.set_filter("evt.is_io=true and evt.dir=< and evt.rawres>0 and (fd.type=ipv4 or fd.type=ipv6)")
    book = flow_book.new()
    return true
end

local function describe(flow, is_server)
    flow.port, flow.proto = evt.field(fields.port) or 0, evt.field(fields.proto) or ""
    ends.describe(flow, is_server)
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

function on_interval(ts_s)
    screen.clear()
    text_table.print(COLUMNS, book:rows(), ts_s)
    return true
end

function on_capture_end(ts_s)
    if not screen.is_redrawn then
        text_table.print(COLUMNS, book:rows(), ts_s)
    end
end
