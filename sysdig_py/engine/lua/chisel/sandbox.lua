-- One chisel's world: its own globals, safe libraries, modules from its search path, nothing of the engine.

local libs = require("chisel.libs")
local loader = require("chisel.loader")

local M = {}

local function folder_of(path)
    return path:match("^(.*/)[^/]*$") or "./"
end

local function search_dirs(path, dirs)
    local list, seen = {}, {}
    local function add(dir)
        dir = dir:sub(-1) == "/" and dir or dir .. "/"
        if not seen[dir] then
            seen[dir] = true
            list[#list + 1] = dir
        end
    end
    add(folder_of(path))
    for _, dir in ipairs(dirs) do
        add(dir)
    end
    return list
end

-- Make a sandbox for the script at `path`. options: write(text), exit(code), dirs, allow_io.
function M.new(path, options)
    local box = {
        env = {},
        path = path,
        chunks = {},
        loaded = {},
        dirs = search_dirs(path, options.dirs),
        write = options.write,
        exit = options.exit,
        allow_io = options.allow_io,
    }
    libs.install(box)
    loader.install(box)
    return box
end

-- Run the script's body inside its sandbox. Errors pass through.
function M.run(box, source)
    local chunk, message = loader.compile(box, source, box.path)
    if not chunk then
        return error(message, 0)
    end
    return chunk()
end

return M
