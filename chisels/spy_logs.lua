-- What processes write to log files, line by line.
--
--   sysdig-py -c spy_logs
--
--   httpd /var/log/httpd/access_log 10.0.0.7 - - [02/May/2024:10:15:48 +0000] "GET / HTTP/1.1" 200 4897
--
-- Log files are those with .log, _log or /var/log in their name. With a file name as argument, what the writing threads
-- did around each line is saved in a second run over the same trace.
-- luacheck: read globals clean split

require "common"
local terminal = require "ansiterminal"
local color = require "color_option"
local event_dump = require "event_dump"

description = "Shows every line that a process writes to a log file. On a terminal, lines with warnings are yellow and "
    .. "those with errors red. With -pc the container is shown. It can save the events around every line of a trace."
short_description = "Echo any write made by any process to a log file"
category = "Logs"

args = { event_dump.arguments[1], event_dump.arguments[2], color.argument }

local FILTER = "((fd.name contains .log or fd.name contains _log or fd.name contains /var/log) and not "
    .. "(fd.name contains .gz or fd.name contains .tgz)) and evt.is_io_write=true and evt.dir=< and evt.failed=false"

local with_container
local is_tinted
local fields

on_capture_start = event_dump.start

function on_set_arg(name, value)
    return color.take(name, value) or event_dump.take(name, value)
end

function on_init()
    color.apply()
    with_container, is_tinted = sysdig.is_print_container_data(), sysdig.is_tty()
    fields = {
        buffer = chisel.request_field("evt.buffer"),
        name = chisel.request_field("fd.name"),
        process = chisel.request_field("proc.name"),
        tid = chisel.request_field("thread.tid"),
        container = chisel.request_field("container.name"),
    }
    sysdig.set_output_format("ascii")
    chisel.set_filter(FILTER)
    return true
end

local function tint(line)
    local small = line:lower()
    if small:find("warn", 1, true) then
        return terminal.yellow
    elseif small:find("err", 1, true) then
        return terminal.red
    end
    return terminal.green
end

local function print_line(head, line)
    if line == "" then
        return
    end
    line = head .. clean(line)
    print(is_tinted and tint(line) .. line .. terminal.reset or line)
end

function on_event()
    local buffer, tid = evt.field(fields.buffer), evt.field(fields.tid)
    if not buffer then
        return false
    end
    local head = clean(evt.field(fields.process) or "<NA>") .. " " .. clean(evt.field(fields.name) or "") .. " "
    if with_container then
        head = (evt.field(fields.container) or "") .. " " .. head
    end
    for _, line in ipairs(split(buffer, "\n")) do
        print_line(head, line)
    end
    event_dump.mark(tid)
    return true
end

function on_capture_end()
    event_dump.finish("Writing events for %N log entries")
end
