-- The standard library as a chisel sees it: copies of what only computes, output that ends in the
-- engine's text, and refusals where the real function would touch files, processes or the engine.

local bounded = require("chisel.bounded")
local logarithms = require("chisel.logarithms")
local patterns = require("chisel.patterns")

local M = {}

local PLAIN = {
    "assert", "error", "ipairs", "next", "pairs", "pcall", "rawequal", "rawget", "rawset", "select",
    "setmetatable", "getmetatable", "tonumber", "tostring", "type", "unpack", "xpcall", "_VERSION",
}
local REFUSED = { "dofile", "loadfile", "getfenv", "setfenv", "newproxy" }
local OS_IO = { "execute", "remove", "rename", "tmpname" }
local IO_IO = { "open", "popen", "lines", "tmpfile", "read", "input", "output" }

-- Strings share one metatable; its method table must not be reachable, and no method may make bytecode.
rawset(string, "dump", nil)
rawset(string, "gsub", bounded.gsub)
rawset(string, "match", patterns.match)
rawset(string, "find", patterns.find)
getmetatable("").__metatable = "string"

local function copy(source)
    local target = {}
    for name, value in pairs(source) do
        target[name] = value
    end
    return target
end

local function refuse(name, why)
    return function()
        error(name .. " is not available to chisels: " .. why, 2)
    end
end

local function add_io(target, prefix, names, source, allowed)
    for _, name in ipairs(names) do
        target[name] = allowed and source[name]
            or refuse(prefix .. name, "it reaches outside; run with --allow-io to permit it")
    end
end

local function stream(write)
    local self = {}
    function self.write(file, ...)
        for i = 1, select("#", ...) do
            write(tostring((select(i, ...))))
        end
        return file
    end
    function self.flush(file)
        return file
    end
    function self.setvbuf()
        return true
    end
    function self.close()
        return nil, "standard streams stay open"
    end
    return self
end

local function printer(write)
    return function(...)
        local count = select("#", ...)
        if count == 1 then
            return write(tostring((...)) .. "\n")
        end
        local parts = { ... }
        for i = 1, count do
            parts[i] = tostring(parts[i])
        end
        return write(table.concat(parts, "\t") .. "\n")
    end
end

local function io_library(box)
    local lib = { stdout = stream(box.write), stderr = stream(box.write) }
    local write = box.write
    function lib.write(text, ...)
        if type(text) ~= "string" or select("#", ...) > 0 then
            return lib.stdout:write(text, ...)
        end
        write(text)
        return lib.stdout
    end
    function lib.type(value)
        return (value == lib.stdout or value == lib.stderr) and "file" or io.type(value)
    end
    add_io(lib, "io.", IO_IO, io, box.allow_io)
    return lib
end

local function os_library(box)
    local lib = { time = os.time, date = os.date, clock = os.clock, getenv = os.getenv, difftime = os.difftime }
    lib.exit = box.exit
    add_io(lib, "os.", OS_IO, os, box.allow_io)
    lib.setlocale = refuse("os.setlocale", "the locale belongs to the whole program")
    return lib
end

-- The collector is the engine's: a chisel may look and may ask for a step, but not switch it off.
local function collectgarbage_in_chisel(option)
    if option == nil or option == "collect" or option == "count" or option == "step" then
        return collectgarbage(option)
    end
    return error("collectgarbage: only 'collect', 'count' and 'step' are available to chisels", 2)
end

-- Fill `box.env` with the libraries; `box.write`, `box.exit` and `box.allow_io` are set.
function M.install(box)
    local env = box.env
    for _, name in ipairs(PLAIN) do
        env[name] = _G[name]
    end
    for _, name in ipairs(REFUSED) do
        env[name] = refuse(name, "use require for modules")
    end
    env.string, env.table, env.math = copy(string), copy(table), copy(math)
    env.math.log10 = logarithms.log10
    env.coroutine, env.bit = bounded.coroutines(), copy(require("bit"))
    env.io, env.os = io_library(box), os_library(box)
    env.print = printer(box.write)
    env.collectgarbage = collectgarbage_in_chisel
    env._G = env
end

return M
