-- How long the callbacks of a chisel take: wraps them, counts calls and adds up nanoseconds.

local ffi = require("ffi")

local M = {}

ffi.cdef([[
typedef struct { long seconds, nanoseconds; } chisel_profile_time;
int clock_gettime(int clock, chisel_profile_time *now);
]])

local CALLBACKS = { "on_set_arg", "on_init", "on_capture_start", "on_event", "on_interval", "on_capture_end" }
local MONOTONIC = 1

local now = ffi.new("chisel_profile_time")

local function nanoseconds()
    ffi.C.clock_gettime(MONOTONIC, now)
    return tonumber(now.seconds) * 1e9 + tonumber(now.nanoseconds)
end

local function timed(callback, entry)
    local function finish(began, ...)
        entry.ns, entry.calls = entry.ns + nanoseconds() - began, entry.calls + 1
        return ...
    end
    return function(...)
        return finish(nanoseconds(), callback(...))
    end
end

-- Return a profile without times.
function M.new()
    local profile = {}
    for _, name in ipairs(CALLBACKS) do
        profile[name] = { calls = 0, ns = 0 }
    end
    return profile
end

-- Have the callbacks in `env`, the globals of a chisel, measured from now on.
function M.wrap(profile, env)
    for _, name in ipairs(CALLBACKS) do
        local callback = rawget(env, name)
        if type(callback) == "function" then
            rawset(env, name, timed(callback, profile[name]))
        end
    end
end

-- Return name, calls, ns of every callback that was called, in the order of a run, as one flat list.
function M.list(profile)
    local list = {}
    for _, name in ipairs(CALLBACKS) do
        local entry = profile[name]
        if entry.calls > 0 then
            list[#list + 1], list[#list + 2], list[#list + 3] = name, entry.calls, entry.ns
        end
    end
    return list
end

return M
