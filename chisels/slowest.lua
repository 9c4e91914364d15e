-- The slowest requests of any kind, with their evidence: what was written, what was read, and the time between.
--
--   sysdig-py -c slowest
--
--   1) 37ms asked curl (17497) 10.0.2.15:37140->93.184.216.34:80
--        0.034148801 sendto     78B       GET / HTTP/1.1..Host: www.google.com..User-Agent: curl/7.47.
--        0.071633120 recvfrom   5.90KB    HTTP/1.1 200 OK..Date: Fri, 17 Aug 2018 17:35:48 GMT..Expire
--
-- "asked": the process wrote and waited for the answer; "served": it read a request and took that long to write. The
-- time runs from the end of the one call to the end of the other. Network and unix sockets count, whatever they carry.
-- luacheck: read globals clean format_bytes format_time_interval parse_numeric_input

require "common"
local json = require "json"

description = "Shows the requests over network and unix sockets whose answers took longest: the call that asked, the "
    .. "call that answered, the beginning of what they carried, and the time between them."
short_description = "Slowest requests of any kind, with evidence"
category = "Performance"

args = {
    { name = "count", argtype = "int", optional = true, description = "How many requests to show (10 if not told)" },
}

local SNAPLEN = 256
local SHOWN_BYTES = 60
local GENERATION = 20000 -- sockets; after so many new ones the idle ones are forgotten
local NS_PER_S = 1000000000

local count = 10
local fields
local young, old, sockets = {}, {}, 0
local slowest = {} -- slowest first

function on_set_arg(name, value)
    count = parse_numeric_input(value, name)
    return count >= 1
end

function on_init()
    fields = {
        name = chisel.request_field("fd.name"),
        number = chisel.request_field("fd.num"),
        pid = chisel.request_field("proc.pid"),
        process = chisel.request_field("proc.name"),
        container = chisel.request_field("container.name"),
        is_server = chisel.request_field("fd.is_server"),
        is_read = chisel.request_field("evt.is_io_read"),
        type = chisel.request_field("evt.type"),
        size = chisel.request_field("evt.rawres"),
        buffer = chisel.request_field("evt.buffer"),
        time = chisel.request_field("evt.reltime"),
    }
    sysdig.set_snaplen(SNAPLEN)
    chisel.set_filter("evt.is_io=true and evt.dir=< and evt.rawres>0 and fd.type in (ipv4, ipv6, unix)")
    return true
end

local function call_now()
    return {
        time = evt.field(fields.time), type = evt.field(fields.type), size = evt.field(fields.size),
        text = clean((evt.field(fields.buffer) or ""):sub(1, SHOWN_BYTES)),
    }
end

local function insert(request)
    local at = #slowest + 1
    while at > 1 and slowest[at - 1].wait < request.wait do
        at = at - 1
    end
    table.insert(slowest, at, request)
    slowest[count + 1] = nil
end

local function on_answer(asked, is_server, now)
    local wait = now - asked.time
    if #slowest < count or wait > slowest[count].wait then
        insert({
            wait = wait, asked = asked, answered = call_now(), kind = is_server and "served" or "asked",
            process = evt.field(fields.process) or "<NA>", pid = evt.field(fields.pid),
            container = evt.field(fields.container), name = evt.field(fields.name) or "",
        })
    end
end

-- What is waiting on the socket of this event; a number that was given to another socket starts anew.
local function socket_now()
    local key, name = evt.field(fields.pid) .. " " .. evt.field(fields.number), evt.field(fields.name)
    local socket = young[key]
    if not socket then
        if sockets >= GENERATION then
            old, young, sockets = young, {}, 0
        end
        socket, sockets = old[key] or {}, sockets + 1
        young[key], old[key] = socket, nil
    end
    if socket.name ~= name then
        socket.name, socket.asked = name, nil
    end
    return socket
end

function on_event()
    if not evt.field(fields.pid) or not evt.field(fields.number) then
        return false
    end
    local socket = socket_now()
    local is_server = evt.field(fields.is_server) == true
    if evt.field(fields.is_read) == is_server then
        socket.asked = call_now()
    elseif socket.asked then
        on_answer(socket.asked, is_server, evt.field(fields.time))
        socket.asked = nil
    end
    return false
end

local function print_call(call)
    local seconds = ("%d.%09d"):format(math.floor(call.time / NS_PER_S), call.time % NS_PER_S)
    print(("     %-11s %-10s %-9s %s"):format(seconds, call.type, format_bytes(call.size), call.text))
end

local function print_text(rank, request)
    local where = sysdig.is_print_container_data() and request.container .. " " or ""
    print(("%d) %s %s %s%s (%d) %s"):format(rank, format_time_interval(request.wait), request.kind, where,
        clean(request.process), request.pid, clean(request.name)))
    print_call(request.asked)
    print_call(request.answered)
end

function on_capture_end()
    for rank, request in ipairs(slowest) do
        if sysdig.get_output_format() == "json" then
            print(json.encode(request))
        else
            print_text(rank, request)
        end
    end
end
