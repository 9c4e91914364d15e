-- All chisels of one run: the facade for the host, and what the chisels ask of the run.
--
-- Order of calls: setup, add (once per -c), then for every source init, start, events through the sinks, finish.
-- Failures wait in a list until the host takes them; a chisel that failed is not called again.

local ev = require("ev")
local out = require("out")
local buffers = require("render.buffer")
local control = require("control").control
local host = require("host")
local profile = require("chisel.profile")
local report = require("chisel.report")
local script = require("chisel.script")
local sinks = require("sinks")

local M = {}

-- messages kept until the host takes them
local MAX_LOGS = 10000
local MAX_TEXT = 2 ^ 28

local run

-- Text leaves only when a batch is over: a chisel that never comes back must not fill the memory with it.
local function write(text)
    if out.size() + #text > MAX_TEXT then
        error("more than " .. MAX_TEXT .. " bytes written at once", 2)
    end
    out.write(text)
end

local function add_actions(self)
    self.write, self.refresh = write, sinks.refresh
    function self.stop()
        self.stopped = true
        control.stop = 1
    end
    function self.fail(failure)
        self.failures[#self.failures + 1] = report.text(failure)
    end
    function self.log(severity, text)
        if #self.logs < MAX_LOGS then
            self.logs[#self.logs + 1] = severity .. " " .. text
        end
    end
    function self.set_filter(predicate, text)
        self.options.filter = text
        self.filter_changes = self.filter_changes + 1
        sinks.set_filter(predicate)
    end
    function self.set_buffer_format(name)
        if not self.options.buffer_format_forced then
            buffers.set_mode(name)
        end
    end
end

-- Begin a run. options: filter (text), container_data, json, buffer_format_forced, allow_io, profile (measure the
-- callbacks), dirs (newline separated search path of modules).
function M.setup(options)
    run = { options = options, callbacks = host.callbacks, gate = { open = false }, stopped = false, progress = 0,
        filter_changes = 0 }
    run.chisels, run.failures, run.logs, run.requests, run.dirs = {}, {}, {}, {}, {}
    for dir in options.dirs:gmatch("[^\n]+") do
        run.dirs[#run.dirs + 1] = dir
    end
    run.profile = options.profile and profile.new() or nil
    add_actions(run)
end

-- Load a chisel's script and hand it its arguments (texts).
function M.add(name, path, source, ...)
    buffers.set_capped(false)
    run.chisels[#run.chisels + 1] = script.new(run, name, path, source, { ... })
end

local function for_each_living(action, ...)
    for _, chisel in ipairs(run.chisels) do
        if chisel.alive then
            action(chisel, ...)
        end
    end
end

-- Call on_init of every chisel, before a source is opened.
function M.init()
    run.gate.open = false
    for_each_living(script.init)
end

-- Call on_capture_start of every chisel and let the living ones have the events.
function M.start()
    for_each_living(script.start)
    for_each_living(function(chisel)
        sinks.add(script.sink(chisel))
    end)
end

-- Call on_capture_end of every chisel; none gets events after that.
function M.finish()
    local sec, ns, delta = 0, 0, 0
    if ev.started() then
        sec, ns = ev.time()
        delta = ev.rel
    end
    for _, chisel in ipairs(run.chisels) do
        sinks.remove(chisel.sink)
    end
    for_each_living(script.finish, sec, ns, delta)
end

-- Return how many chisels still run.
function M.alive()
    local count = 0
    for_each_living(function()
        count = count + 1
    end)
    return count
end

-- Return whether a chisel asked for the end of the run.
function M.stopped()
    return run ~= nil and run.stopped
end

-- Return what chisels asked of the run: filter text ("" none), snaplen and run_app, nil when not asked for.
function M.requests()
    return run.options.filter, run.requests.snaplen, run.requests.run_app
end

-- Return who wants events, as separate results: name of the chisel, its filter ("" none), name, ...
function M.wants()
    local list = {}
    for_each_living(function(chisel)
        local any, filter = script.wants(chisel)
        if any then
            list[#list + 1] = chisel.name
            list[#list + 1] = filter
        end
    end)
    return unpack(list)
end

-- Return how often a filter was set so far.
function M.filter_changes()
    return run.filter_changes
end

local function take(name)
    local list = run[name]
    run[name] = {}
    return unpack(list)
end

-- Return the failures since the last call as separate results, each a finished text.
function M.take_failures()
    return take("failures")
end

-- Return the messages of sysdig.log since the last call, each starting with its severity.
function M.take_logs()
    return take("logs")
end

-- Return the measured callbacks as separate results: name, calls, ns, name, ...
function M.timings()
    return unpack(run.profile and profile.list(run.profile) or {})
end

-- Tell how much of the file was read, in percent.
function M.set_progress(percent)
    run.progress = percent
end

return M
