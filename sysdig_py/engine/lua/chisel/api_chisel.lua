-- The `chisel` library: what one chisel asks for itself.

local filters = require("chisel.filters")
local handle = require("chisel.handle")
local interval = require("chisel.interval")
local format = require("format")
local light = require("fields.light")
local walk = require("walk")

local M = {}

local DEFAULT_FORMAT = "*%evt.num %evt.time %evt.cpu %proc.name (%thread.tid) %evt.dir %evt.type %evt.args"
local NS_PER_S = 1e9

-- Return the library for the chisel `self` of a run.
function M.new(self, run)
    local chisel = {}

    -- from now on events must be made ready for fields of this level
    local function ask_for(level)
        if self.level >= level then return end
        self.level = level
        run.refresh()
        walk.complete()
    end

    -- handle for evt.field; error when the field does not exist or is for filters only
    function chisel.request_field(name)
        local field = handle.request(name)
        ask_for(light.level(field.name))
        return field
    end

    -- events this chisel sees; a later call replaces the filter
    function chisel.set_filter(text)
        self.sink.filter = filters.compile(run.callbacks, text, "invalid filter in chisel " .. self.name)
        self.filter_text = text
        run.filter_changes = run.filter_changes + 1
        run.refresh()
    end

    -- line printed for every event that on_event accepts; "" or "default" for the usual one
    function chisel.set_event_formatter(text)
        if text == "" or text == "default" then
            text = DEFAULT_FORMAT
        end
        self.formatter = format.compile(text)
        ask_for(light.WHOLE)
    end

    -- call on_interval whenever event time crosses a multiple of `ns` nanoseconds
    function chisel.set_interval_ns(ns)
        self.timer = interval.new(ns, false)
    end

    -- the same in seconds
    function chisel.set_interval_s(seconds)
        self.timer = interval.new(seconds * NS_PER_S, false)
    end

    -- call on_interval once for every elapsed interval, counted from the first event
    function chisel.set_precise_interval_ns(ns)
        self.timer = interval.new(ns, true)
    end

    -- become the chisel `name` with these arguments once on_init has returned
    function chisel.exec(name, ...)
        local arguments = {}
        for i = 1, select("#", ...) do
            local value = (select(i, ...))
            if value == nil then
                break
            end
            arguments[i] = tostring(value)
        end
        self.successor = { name = name, arguments = arguments }
    end

    return chisel
end

return M
