-- TCP connections, one line when each is over: both ends, time to connect, life time, bytes, how it ended.
--
--   sysdig-py -c conns
--
--   End      Client              Server              Port  Connect  Life     Sent      Received  State
--   ----------------------------------------------------------------------------------------------------
--   1.204s   web                 cache               6379  92us     1.20s    18.20KB   2.31M     closed
--   3.001s   curl                10.0.0.7            81    40us     40us     0B        0B        ECONNREFUSED
--   4.500s   web                 db                  5432  -        -        4.10KB    91.00KB   open
--
-- End is the time since the first event. Ends are named by container, else process, else address. A connect that
-- returns before it is through (EINPROGRESS) counts until the first data. Connect and Life are dashes for what began
-- before the capture. State is how it ended: closed, the error, or open at the end of the capture.
-- luacheck: read globals format_bytes format_time_interval

require "common"
local connection_book = require "connection_book"
local ends = require "ends"
local text_table = require "text_table"

description = "Shows every TCP connection when it is over, and at the end those still open: the container (or "
    .. "process, or address) on both ends, the time to connect, the life time, the bytes each way and how it "
    .. "ended."
short_description = "Life of every connection"
category = "Net"

args = {}

local EINPROGRESS = -115
local EAGAIN, EINTR = -11, -4
local NS_PER_S = 1e9

local function seconds(ns)
    return ("%.3fs"):format(ns / NS_PER_S)
end

local COLUMNS = {
    { title = "End", key = "ended", width = 9, unit = seconds },
    { title = "Client", key = "client", width = 20, is_key = true },
    { title = "Server", key = "server", width = 20, is_key = true },
    { title = "Port", key = "port", width = 6, is_key = true },
    { title = "Connect", key = "connect", width = 9, unit = format_time_interval },
    { title = "Life", key = "life", width = 9, unit = format_time_interval },
    { title = "Sent", key = "sent", width = 10, unit = format_bytes },
    { title = "Received", key = "received", width = 10, unit = format_bytes },
    { title = "State", key = "state", width = 7 },
}

local BEGINS = { connect = true, accept = true, accept4 = true }

local book
local fields

local function row_of(connection)
    local client, server = ends.names(connection)
    local side, is_client = connection.client, true
    if not side then
        side, is_client = connection.server, false
    end
    local finish = connection.finish or connection.last
    return {
        ended = finish, client = client, server = server, port = connection.port, connect = connection.connect,
        life = connection.has_begin and finish - connection.begin or nil, state = connection.state,
        sent = is_client and side.written or side.read, received = is_client and side.read or side.written,
    }
end

function on_init()
    fields = {
        name = chisel.request_field("fd.name"),
        type = chisel.request_field("evt.type"),
        result = chisel.request_field("evt.rawres"),
        error = chisel.request_field("evt.res"),
        latency = chisel.request_field("evt.latency"),
        is_io = chisel.request_field("evt.is_io"),
        is_read = chisel.request_field("evt.is_io_read"),
        is_server = chisel.request_field("fd.is_server"),
        time = chisel.request_field("evt.reltime"),
        port = chisel.request_field("fd.sport"),
    }
    ends.init()
    chisel.set_filter("evt.dir=< and (fd.type=ipv4 or fd.type=ipv6) and fd.l4proto=tcp and "
        .. "(evt.is_io=true or evt.type in (connect, accept, accept4, close))")
    book = connection_book.new(function(connection)
        text_table.print_row(COLUMNS, row_of(connection))
    end)
    if sysdig.get_output_format() ~= "json" then
        text_table.print_header(COLUMNS)
    end
    return true
end

local function on_connect(connection, side, result, now)
    local latency = evt.field(fields.latency) or 0
    connection.begin, connection.has_begin = now - latency, true
    if result == 0 then
        connection.connect = latency
    elseif result == EINPROGRESS then
        connection.is_connecting = true
    elseif result ~= EAGAIN and result ~= EINTR then
        connection.connect, connection.state = latency, evt.field(fields.error)
        book:close(connection, side, now)
    end
end

local function on_data(connection, side, result, now)
    if result < 0 then
        if result ~= EAGAIN and result ~= EINTR and result ~= EINPROGRESS then
            connection.state = evt.field(fields.error)
        end
        return
    end
    if connection.is_connecting then
        connection.connect, connection.is_connecting = now - connection.begin, false
    end
    if evt.field(fields.is_read) then
        side.read = side.read + result
    else
        side.written = side.written + result
    end
end

function on_event()
    local name, result = evt.field(fields.name), evt.field(fields.result)
    if not name or name == "" or not result then
        return false
    end
    local type, now = evt.field(fields.type), evt.field(fields.time)
    local is_server = evt.field(fields.is_server) == true
    local connection, side = book:side(name, is_server, now)
    if not connection.port then
        connection.port = evt.field(fields.port) or 0
    end
    ends.describe(connection, is_server)
    if type == "close" then
        book:close(connection, side, now)
    elseif evt.field(fields.is_io) then
        on_data(connection, side, result, now)
    elseif type == "connect" then
        on_connect(connection, side, result, now)
    elseif BEGINS[type] then
        connection.has_begin = true
    end
    return false
end

function on_capture_end()
    book:finish()
end
