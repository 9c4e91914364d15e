-- The ten slowest system calls of the run, with their arguments.
--
--   sysdig-py -c bottlenecks
--
--   1335) 0.000000000 curl (17497) > poll fds=4:61 timeout=198
--   1337) 0.037479817 curl (17497) < poll res=1 fds=4:61
--
-- The number is the event's. A call has a line for its begin when that is an event of its own (traces by sysdig).
-- luacheck: read globals clean

require "common"

description = "Shows the 10 system calls that took the longest, slowest first, with their arguments; a filter "
    .. "restricts it."
short_description = "Slowest system calls"
category = "Performance"

args = {}

local SHOWN = 10
local LINE = "%d) %d.%.9d %s (%d) %s %s %s"
local NS_PER_S = 1000000000

local fields
local begins = {} -- tid -> {num, args} of the call it is in
local slowest = {} -- slowest first

function on_init()
    fields = {
        num = chisel.request_field("evt.num"),
        dir = chisel.request_field("evt.dir"),
        type = chisel.request_field("evt.type"),
        syscall = chisel.request_field("syscall.type"),
        arguments = chisel.request_field("evt.args"),
        latency = chisel.request_field("evt.latency"),
        process = chisel.request_field("proc.name"),
        tid = chisel.request_field("thread.tid"),
    }
    return true
end

local function remember_begin(tid, type)
    local begin = begins[tid]
    if not begin then
        begin = {}
        begins[tid] = begin
    end
    begin.num, begin.type, begin.arguments = evt.field(fields.num), type, evt.field(fields.arguments)
end

local function insert(call)
    local at = #slowest + 1
    while at > 1 and slowest[at - 1].latency < call.latency do
        at = at - 1
    end
    table.insert(slowest, at, call)
    slowest[SHOWN + 1] = nil
end

local function remember_end(tid, type, latency)
    local begin = begins[tid]
    if begin and begin.type ~= type then
        begin = nil
    end
    insert({
        latency = latency, tid = tid, type = type, process = evt.field(fields.process) or "<NA>",
        num = evt.field(fields.num), arguments = evt.field(fields.arguments),
        begin_num = begin and begin.num, begin_arguments = begin and begin.arguments,
    })
end

function on_event()
    local type, tid = evt.field(fields.type), evt.field(fields.tid)
    -- switch, procinfo and such are no calls
    if not tid or not evt.field(fields.syscall) then
        return false
    end
    if evt.field(fields.dir) == ">" then
        remember_begin(tid, type)
        return false
    end
    local latency = evt.field(fields.latency)
    if latency and latency > 0 and (#slowest < SHOWN or latency > slowest[SHOWN].latency) then
        remember_end(tid, type, latency)
    end
    return false
end

local function print_line(call, num, latency, dir, arguments)
    local seconds, rest = math.floor(latency / NS_PER_S), latency % NS_PER_S
    print(LINE:format(num, seconds, rest, clean(call.process), call.tid, dir, call.type, arguments or ""))
end

function on_capture_end()
    for _, call in ipairs(slowest) do
        if call.begin_num then
            print_line(call, call.begin_num, 0, ">", call.begin_arguments)
        end
        print_line(call, call.num, call.latency, "<", call.arguments)
    end
end
