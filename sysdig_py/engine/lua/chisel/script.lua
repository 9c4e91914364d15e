-- One chisel of a run: its sandbox, its callbacks, and what happens when one of them fails.
--
-- A failure ends this chisel and nothing else: it is recorded in the run, the chisel is never called again.

local api_chisel = require("chisel.api_chisel")
local api_evt = require("chisel.api_evt")
local api_sysdig = require("chisel.api_sysdig")
local ev = require("ev")
local interval = require("chisel.interval")
local light = require("fields.light")
local profile = require("chisel.profile")
local report = require("chisel.report")
local sandbox = require("chisel.sandbox")

local M = {}

local MAX_CHAIN = 16 -- chisel.exec in a circle must end

-- Record why the chisel ends. What it had gathered goes with it: it may have failed because that was too much.
local function fail(self, where, failure)
    self.alive = false
    self.env = {}
    if type(failure) ~= "table" then
        -- no handler is asked when memory or stack are used up; nothing more can be made before some is free again
        collectgarbage()
        failure = { message = tostring(failure), traceback = "" }
    end
    if failure.is_exit then
        return
    end
    self.run.fail({ chisel = self.name, where = where, message = failure.message, traceback = failure.traceback or "" })
end

local function complain(self, where, message)
    fail(self, where, { message = message })
end

-- Globals are read raw: what a script has hung on its own table of globals runs only where errors are caught.
local global = rawget

-- What is called must not be in anybody's hand when it has failed: it would keep alive all that it knows. No closure is
-- made here: LuaJIT compiles none.
local function run_global(self, name, ...)
    return global(self.env, name)(...)
end

local function guarded(self, name, ...)
    return xpcall(run_global, self.handler, self, name, ...)
end

-- Call a function of the script; nothing happens when the script does not define it.
-- Returns whether the chisel is still alive, whether the function exists, and its result.
local function call(self, name, ...)
    if type(global(self.env, name)) ~= "function" then
        return true, false
    end
    local ok, result = guarded(self, name, ...)
    if not ok then
        fail(self, name .. "()", result)
    end
    return ok, true, result
end

local function new_box(self, run)
    local function exit()
        run.stop()
        error({ is_exit = true }, 0)
    end
    local box = sandbox.new(self.path, {
        write = run.write,
        exit = exit,
        dirs = run.dirs,
        allow_io = run.options.allow_io,
    })
    box.env.sysdig = api_sysdig.new(self, run)
    box.env.chisel = api_chisel.new(self, run)
    box.env.evt = api_evt.new(run.gate)
    return box
end

local function run_body(self, source)
    local box = new_box(self, self.run)
    self.env, self.handler = box.env, report.handler(box.chunks)
    local ok, failure = xpcall(function()
        sandbox.run(box, source)
    end, self.handler)
    if not ok then
        fail(self, "its body", failure)
    elseif type(global(self.env, "args")) ~= "table" then
        complain(self, "its body", "Failed to load chisel " .. self.name .. ": args table missing")
    end
    if self.run.profile then
        profile.wrap(self.run.profile, box.env)
    end
    return self.alive
end

local function bind(self, values)
    for i, value in ipairs(values) do
        local args = global(self.env, "args")
        local arg = type(args) == "table" and rawget(args, i)
        if type(arg) ~= "table" then
            return complain(self, "its arguments", "too many parameters for chisel " .. self.name)
        end
        local ok, exists, result = call(self, "on_set_arg", rawget(arg, "name"), value)
        if not ok then
            return
        elseif not exists then
            return complain(self, "on_set_arg()", "chisel " .. self.name .. " misses a set_arg() function.")
        elseif type(result) ~= "boolean" then
            return complain(self, "on_set_arg()", "wrong set_arg() return value.")
        elseif not result then
            return complain(self, "on_set_arg()", "set_arg() for chisel " .. self.name .. " failed.")
        end
    end
end

-- Load a script into this chisel, replacing what was there.
local function load_script(self, name, path, source, values)
    self.name, self.path, self.text = name, path, source .. table.concat(values, "\n")
    self.sink, self.formatter, self.timer, self.successor = {}, nil, nil, nil
    self.filter_text = ""
    if run_body(self, source) then
        bind(self, values)
    end
end

-- Make a chisel of `run` from a script's text and the values of its arguments.
function M.new(run, name, path, source, values)
    local self = { run = run, alive = true, level = light.PLAIN }
    load_script(self, name, path, source, values)
    return self
end

local function follow(self)
    local successor = self.successor
    local ok, path, source = pcall(self.run.callbacks.find_chisel, successor.name)
    if not ok or not path then
        return complain(self, "chisel.exec()", "chisel " .. successor.name .. " not found")
    end
    load_script(self, successor.name, path, source, successor.arguments)
end

local function check_init(self, exists, result)
    if exists and type(result) ~= "boolean" then
        complain(self, "on_init()", "wrong init() return value.")
    elseif exists and not result then
        complain(self, "on_init()", "init() for chisel " .. self.name .. " failed.")
    end
end

-- Call on_init, and that of the chisel it hands over to.
function M.init(self)
    for _ = 1, MAX_CHAIN do
        local ok, exists, result = call(self, "on_init")
        if not ok then
            return
        elseif not self.successor then
            return check_init(self, exists, result)
        end
        follow(self)
        if not self.alive then
            return
        end
    end
    complain(self, "chisel.exec()", "more than " .. MAX_CHAIN .. " chisels in a row")
end

-- Return whether the chisel has anything to do with events, and the filter it set ("" none).
function M.wants(self)
    return self.env.on_event ~= nil or self.formatter ~= nil, self.filter_text
end

-- Call on_capture_start.
function M.start(self)
    local ok, exists, result = call(self, "on_capture_start")
    if not ok or not exists or result == true then
        return
    elseif result == false then
        complain(self, "on_capture_start()", "init() for chisel " .. self.name .. " failed.")
    else
        complain(self, "on_capture_start()", "wrong on_capture_start() return value. Boolean expected.")
    end
end

-- Call on_capture_end with the time of the last event and the ns since the first one.
function M.finish(self, sec, ns, delta)
    call(self, "on_capture_end", sec, ns, delta)
end

local function on_interval(self)
    return function(sec, ns, delta)
        if not self.alive then
            return
        end
        local ok, exists, result = call(self, "on_interval", sec, ns, delta)
        if ok and not exists then
            complain(self, "on_interval()", "chisel " .. self.name .. " sets an interval but has no on_interval()")
        elseif ok and not result then
            complain(self, "on_interval()", "execution terminated by the " .. self.name .. " chisel")
        end
    end
end

-- The function that looks after the chisel's timer.
local function ticker(self)
    local gate, callback = self.run.gate, on_interval(self)
    return function()
        gate.open = true
        if self.alive then
            interval.tick(self.timer, ev, callback)
        end
    end
end

local function print_line(self, write)
    local line = self.formatter()
    if line then
        write(line)
        write("\n")
    end
end

-- The function that hands the current event to the chisel.
local function deliverer(self)
    local run, handler = self.run, self.handler
    local gate, write = run.gate, run.write
    return function()
        if not self.alive then
            return
        end
        gate.open = true
        if global(self.env, "on_event") then
            local ok, result = xpcall(global(self.env, "on_event"), handler)
            if not ok then
                fail(self, "on_event()", result)
                return
            elseif not result or run.stopped then
                return
            end
        end
        if self.formatter then
            print_line(self, write)
        end
    end
end

-- Return the chisel's sink, complete once on_capture_start was called.
function M.sink(self)
    local sink = self.sink
    sink.on_event = deliverer(self)
    -- what a chisel asks is known: events are made ready for that only
    sink.level = function() return self.level end
    sink.mentions = function(is_so) return is_so(self.text) end
    sink.on_tick = self.timer and ticker(self) or nil
    if self.timer then interval.reset(self.timer) end
    sink.quiet = function() return interval.quiet(self.alive and self.timer or nil) end
    return sink
end

return M
