-- Source text to functions inside a chisel's sandbox: load, loadstring and require.
-- Only source is accepted, never bytecode: LuaJIT does not verify bytecode, so it could leave the sandbox.

local M = {}

local LIBRARIES = { "string", "table", "math", "os", "io", "coroutine", "bit", "_G" }
local MAX_CHUNK_NAME = 55 -- Lua cuts longer names; a cut one could not be told from an engine frame

-- Reads a file below a folder: (folder, path in it) -> text, or nil and why not ("" when there is none).
local read

-- Let the host read the modules.
function M.set_reader(reader)
    read = reader
end

-- Return the name under which the text of `path` shows up in errors.
function M.chunk_name(path)
    if #path > MAX_CHUNK_NAME then
        path = path:match("([^/]+)$") or path
    end
    return path:sub(-MAX_CHUNK_NAME)
end

-- Compile `text` into a function of the sandbox; nil and a message when it is not Lua.
function M.compile(box, text, path)
    local name = M.chunk_name(path)
    box.chunks[name] = true
    return load(text, "@" .. name, "t", box.env)
end

local function collect_pieces(reader)
    local pieces = {}
    for piece in reader do
        if piece == "" then
            break
        end
        pieces[#pieces + 1] = piece
    end
    return table.concat(pieces)
end

local function sandboxed_load(box)
    return function(chunk, name, _, env)
        local text = type(chunk) == "function" and collect_pieces(chunk) or chunk
        if type(text) ~= "string" then
            return error("load: text expected", 2)
        end
        return load(text, name or "=(load)", "t", env or box.env)
    end
end

local function module_file(box, name)
    if not name:match("^[%w_][%w_%-]*$") and not name:match("^[%w_][%w_%-%.]*[%w_]$") or name:find("..", 1, true) then
        return nil, "not found: it is no name of a module"
    end
    local relative = name:gsub("%.", "/") .. ".lua"
    for _, dir in ipairs(box.dirs) do
        local text, why = read(dir, relative)
        if text then
            return text, dir .. relative
        elseif why ~= "" then
            return nil, dir .. relative .. " " .. why
        end
    end
    return nil, "not found: chisels find modules only in " .. table.concat(box.dirs, ", ")
end

local function load_module(box, name)
    local text, path = module_file(box, name)
    if not text then
        return error("module '" .. name .. "' " .. path, 3)
    end
    local chunk, message = M.compile(box, text, path)
    if not chunk then
        return error(message, 0)
    end
    return chunk(name)
end

local function sandboxed_require(box)
    local loaded = box.loaded
    return function(name)
        if type(name) ~= "string" then
            return error("require: module name expected", 2)
        end
        if loaded[name] == nil then
            local result = load_module(box, name)
            if result ~= nil then
                loaded[name] = result
            elseif loaded[name] == nil then
                loaded[name] = true
            end
        end
        return loaded[name]
    end
end

-- Add load, loadstring, require and package to a sandbox whose libraries are installed.
function M.install(box)
    local env = box.env
    for _, name in ipairs(LIBRARIES) do
        box.loaded[name] = env[name]
    end
    local patterns = {}
    for i, dir in ipairs(box.dirs) do
        patterns[i] = dir .. "?.lua"
    end
    env.load = sandboxed_load(box)
    env.loadstring = env.load
    env.require = sandboxed_require(box)
    env.package = { path = table.concat(patterns, ";"), cpath = "", loaded = box.loaded, preload = {} }
    env.package.config = package.config
end

return M
