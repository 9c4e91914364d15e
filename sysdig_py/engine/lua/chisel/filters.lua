-- Filter text -> function, through the compiler on the Python side.

local filter_rt = require("filter_rt")
local filter_types = require("filter_types")

local M = {}

-- What may be asked about a thread and its fds outside of any event: state, and the time of the last event.
local STATE_CLASSES = {
    fd = true, proc = true, thread = true, user = true, group = true, container = true, fdlist = true,
}
local TIMES = {
    ["evt.rawtime"] = true, ["evt.rawtime.s"] = true, ["evt.rawtime.ns"] = true, ["evt.time"] = true,
    ["evt.time.s"] = true, ["evt.datetime"] = true, ["evt.reltime"] = true,
}

local function source_of(callbacks, text, fail)
    if type(text) ~= "string" then
        return error(fail .. ": text expected", 4)
    end
    local ok, source = pcall(callbacks.compile_filter, text)
    if not ok then
        return error(fail .. ": " .. tostring(source):gsub("^%w+Error: ", ""), 4)
    end
    return source
end

local function instantiate(source, runtime)
    return filter_types.instantiate(assert(load(source, "=filter", "t")), runtime)
end

-- Return the predicate for `text`; `fail` starts the message when it does not compile.
function M.compile(callbacks, text, fail)
    return instantiate(source_of(callbacks, text, fail), filter_rt)
end

local function is_about_state(name)
    return STATE_CLASSES[name:match("^%a+")] or TIMES[name] or false
end

-- The runtime of compiled filters, with accessors that look at the field's name before they pass it on.
local function guarded(fail)
    local function refuse(name)
        return error(fail .. ": " .. name .. ": the given filter is not supported for thread table filtering", 0)
    end
    local function checked(accessor)
        return function(name)
            return is_about_state(name) and accessor(name) or refuse(name)
        end
    end
    local own = { get = checked(filter_rt.get), wide = checked(filter_rt.wide) }
    function own.around()
        return refuse("evt.around")
    end
    return setmetatable(own, { __index = filter_rt })
end

-- The same for a filter on threads and fds, which may ask about nothing but their state.
function M.compile_for_state(callbacks, text, fail)
    return instantiate(source_of(callbacks, text, fail), guarded(fail))
end

return M
