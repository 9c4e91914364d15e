-- Messages that processes send to syslog.
--
--   sysdig-py -c spy_syslog
--
--   daemon.info cron[1104] (root) CMD (run-parts /etc/cron.hourly)
--
-- With a file name as argument, what the sending threads did around each message is saved in a second run over the same
-- trace.
-- luacheck: read globals clean

require "common"
local terminal = require "ansiterminal"
local color = require "color_option"
local event_dump = require "event_dump"

description = "Shows every message that a process writes to /dev/log, with facility and severity. On a terminal, "
    .. "warnings are yellow and errors red. With -pc the container is shown. It can save the events around "
    .. "every message of a trace."
short_description = "Print every message written to syslog"
category = "Logs"

args = { event_dump.arguments[1], event_dump.arguments[2], color.argument }

local ERROR, WARNING = 3, 4 -- syslog severities; smaller is worse

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
        facility = chisel.request_field("syslog.facility.str"),
        severity = chisel.request_field("syslog.severity"),
        severity_name = chisel.request_field("syslog.severity.str"),
        message = chisel.request_field("syslog.message"),
        process = chisel.request_field("proc.name"),
        tid = chisel.request_field("thread.tid"),
        container = chisel.request_field("container.name"),
    }
    chisel.set_filter("fd.name contains /dev/log and evt.is_io_write=true and evt.dir=< and evt.failed=false")
    return true
end

local function tint(severity)
    if severity <= ERROR then
        return terminal.red
    end
    return severity == WARNING and terminal.yellow or terminal.green
end

function on_event()
    local message, tid = evt.field(fields.message), evt.field(fields.tid)
    if not message then
        return false
    end
    local line = ("%s.%s %s[%d] %s"):format(evt.field(fields.facility), evt.field(fields.severity_name),
        clean(evt.field(fields.process) or "<NA>"), tid, clean(message))
    if with_container then
        line = (evt.field(fields.container) or "") .. " " .. line
    end
    print(is_tinted and tint(evt.field(fields.severity)) .. line .. terminal.reset or line)
    event_dump.mark(tid)
    return true
end

function on_capture_end()
    event_dump.finish("Writing events for %N log entries")
end
