-- DNS queries with the code of the answer and the time it took, one line each.
--
--   sysdig-py -c dns
--
--   Time               Process         Container  Type  Name                      Code      Answers Latency  Server
--   ----------------------------------------------------------------------------------------------------------------
--   17:35:48.531188756 curl            host       AAAA  www.google.com            NOERROR   1       11ms     10.0.2.3
--   17:35:53.620011903 curl            host       A     nosuch.example            -         -       -        10.0.2.3
--
-- Queries over UDP and TCP port 53, of the asking process and, when it runs here, of the answering server. A query
-- without answer is shown at the end of the capture, or when its name was asked again with the same id.
-- luacheck: read globals format_time_interval

require "common"
local dns_message = require "dns_message"
local text_table = require "text_table"

description = "Shows every DNS query with the process and container that asked, type and name, the code of the "
    .. "answer, the number of records in it, the latency and the server."
short_description = "DNS queries with code and latency"
category = "Net"

args = {}

local SNAPLEN = 320 -- the longest name and what comes before and behind it
local GENERATION = 10000 -- unanswered queries; after so many new ones the oldest are shown as such

local COLUMNS = {
    { title = "Time", key = "time", width = 19 },
    { title = "Process", key = "process", width = 16, is_key = true },
    { title = "Container", key = "container", width = 11, is_key = true },
    { title = "Type", key = "type", width = 6, is_key = true },
    { title = "Name", key = "name", width = 26, is_key = true },
    { title = "Code", key = "code", width = 10 },
    { title = "Answers", key = "answers", width = 8 },
    { title = "Latency", key = "latency", width = 9, unit = format_time_interval },
    { title = "Server", key = "server", width = 7 },
}

local fields
local young, old, count, order = {}, {}, 0, 0

function on_init()
    fields = {
        data = chisel.request_field("evt.rawarg.data"),
        proto = chisel.request_field("fd.l4proto"),
        server = chisel.request_field("fd.sip"),
        now = chisel.request_field("evt.reltime"),
        time = chisel.request_field("evt.time"),
        pid = chisel.request_field("proc.pid"),
        process = chisel.request_field("proc.name"),
        container = chisel.request_field("container.name"),
    }
    sysdig.set_snaplen(SNAPLEN)
    chisel.set_filter("evt.is_io=true and evt.dir=< and evt.rawres>0 and fd.sport=53")
    if sysdig.get_output_format() ~= "json" then
        text_table.print_header(COLUMNS)
    end
    return true
end

local function print_unanswered(queries)
    local list = {}
    for _, query in pairs(queries) do
        list[#list + 1] = query
    end
    table.sort(list, function(a, b) return a.order < b.order end)
    for _, query in ipairs(list) do
        text_table.print_row(COLUMNS, query)
    end
end

local function on_query(key, message)
    local forgotten = young[key] or old[key]
    if forgotten then
        text_table.print_row(COLUMNS, forgotten)
        old[key] = nil
    end
    if count >= GENERATION then
        print_unanswered(old)
        old, young, count = young, {}, 0
    end
    count, order = count + 1, order + 1
    young[key] = {
        order = order, asked = evt.field(fields.now), time = evt.field(fields.time),
        process = evt.field(fields.process) or "<NA>", container = evt.field(fields.container) or "",
        type = message.type, name = message.name, server = evt.field(fields.server),
    }
end

local function on_answer(key, message)
    local query = young[key] or old[key]
    if query then
        young[key], old[key] = nil, nil
        query.time, query.latency = evt.field(fields.time), evt.field(fields.now) - query.asked
        query.code, query.answers = message.code, message.answers
        text_table.print_row(COLUMNS, query)
    end
end

function on_event()
    local data = evt.field(fields.data)
    if not data then
        return false
    end
    local parse = evt.field(fields.proto) == "tcp" and dns_message.parse_stream or dns_message.parse
    local message = parse(data)
    if message then
        local key = ("%d %d %s %s"):format(evt.field(fields.pid) or -1, message.id, message.type, message.name:lower())
        local handle = message.is_answer and on_answer or on_query
        handle(key, message)
    end
    return false
end

function on_capture_end()
    print_unanswered(old)
    print_unanswered(young)
end
