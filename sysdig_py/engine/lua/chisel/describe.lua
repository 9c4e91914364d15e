-- What a chisel says about itself, read without a capture: the script's body runs in a sandbox without the API.

local sandbox = require("chisel.sandbox")
local view = require("chisel.view")

local M = {}

local MAX_STEPS = 1e7 -- a body that loops must not hang a listing

local sethook, getinfo = debug.sethook, debug.getinfo
local OWN_SOURCE = getinfo(1, "S").source

local function silent()
end

-- API calls at the top of a file have no run to act on; sysdig crashes there, this names the call.
local function absent_api(name)
    return setmetatable({}, {
        __index = function(_, key)
            return function()
                error(name .. "." .. tostring(key) .. "() was called outside of a callback", 2)
            end
        end,
    })
end

local function new_box(path, dirs)
    local function exit()
        error("os.exit was called", 2)
    end
    local box = sandbox.new(path, { write = silent, exit = exit, dirs = dirs, allow_io = false })
    for _, name in ipairs({ "sysdig", "chisel", "evt" }) do
        box.env[name] = absent_api(name)
    end
    return box
end

-- Compiled code does not call hooks. Once the limit is reached every further step fails, so pcall cannot save it.
local function limited(work, ...)
    local is_over = false
    local function stop()
        is_over = true
        sethook(stop, "", 1)
        if getinfo(2, "S").source ~= OWN_SOURCE then
            error("the script does not come to an end", 2)
        end
    end
    jit.off()
    sethook(stop, "", MAX_STEPS)
    local ok, result = pcall(work, ...)
    sethook()
    jit.on()
    if not ok then
        result = is_over and "the script does not come to an end"
            or type(result) == "string" and result or "the error is no text"
    end
    return ok, result
end

local function text(value)
    return type(value) == "string" and value or nil
end

local function argument(path, entry)
    if type(entry) ~= "table" then
        return error(path .. ": an entry of args is not a table", 0)
    end
    local facts = { optional = rawget(entry, "optional") == true }
    for _, key in ipairs({ "name", "argtype", "description" }) do
        local value = rawget(entry, key)
        if value ~= nil and type(value) ~= "string" then
            return error(path .. ": " .. key .. " of an argument is not a string", 0)
        end
        facts[key] = value or ""
    end
    return facts
end

local function arguments(path, env)
    local args, list = rawget(env, "args"), {}
    for i, entry in ipairs(type(args) == "table" and args or {}) do
        list[i] = argument(path, entry)
    end
    return list
end

-- Return what a view's view_info says (chisel/view.lua), or nil and a message.
function M.view(path, source, dirs)
    local box = new_box(path, dirs)
    local ok, result = limited(sandbox.run, box, source)
    local info = ok and rawget(box.env, "view_info")
    if ok and type(info) ~= "table" then
        return nil, "it has no view_info"
    elseif ok then
        ok, result = limited(view.read, info)
    end
    if not ok then
        return nil, result
    end
    return result
end

-- Return {description, short_description, category, hidden, is_view, has_args, args} or nil and a message.
function M.describe(path, source, dirs)
    local box = new_box(path, dirs)
    local ok, failure = limited(sandbox.run, box, source)
    if not ok then
        return nil, failure
    end
    local env = box.env
    local found, args = limited(arguments, path, env)
    if not found then
        return nil, args
    end
    return {
        description = text(rawget(env, "description")),
        short_description = text(rawget(env, "short_description")),
        category = text(rawget(env, "category")) or "",
        hidden = rawget(env, "hidden") == true,
        is_view = type(rawget(env, "view_info")) == "table",
        has_args = type(rawget(env, "args")) == "table",
        args = args,
    }
end

return M
