-- Paths of calls that work on the file system by name: what they work on, what they take from and what they make.
local ev = require("ev")
local decode = require("decode")
local render = require("render")
local path = require("state.path")

local F = {}

-- calls with two paths -> parameter they take from, parameter they make
local PAIRS = {
    rename = { "oldpath", "newpath" }, renameat = { "oldpath", "newpath" }, renameat2 = { "oldpath", "newpath" },
    link = { "oldpath", "newpath" }, linkat = { "oldpath", "newpath" },
    symlink = { "target", "linkpath" }, symlinkat = { "target", "linkpath" }, mount = { "dev", "dir" },
}
local SINGLE = {
    open = true, openat = true, openat2 = true, creat = true, mkdir = true, mkdirat = true, rmdir = true,
    unlink = true, unlinkat = true, chmod = true, fchmodat = true, chown = true, lchown = true, fchownat = true,
    mknod = true, mknodat = true, umount = true, umount2 = true, quotactl = true, open_by_handle_at = true,
}
local NAMES = { "name", "path", "filename", "pathname", "dir", "special" }

local function name_position()
    local index = ev.info.index
    for i = 1, #NAMES do
        if index[NAMES[i]] then return index[NAMES[i]] end
    end
    return nil
end

-- Position of the path a field is about, nil when the event has none.
local FIND = {
    name = function()
        return SINGLE[ev.name] and name_position() or nil
    end,
    source = function()
        local pair = PAIRS[ev.name]
        return pair and ev.info.index[pair[1]]
    end,
    target = function()
        local pair = PAIRS[ev.name]
        return pair and ev.info.index[pair[2]]
    end,
}

local function absolute(i, text)
    return render.resolved_path(text, ev.info.params[i + 1].dirfd) or path.join("", text)
end

for kind, find in pairs(FIND) do
    local function raw()
        local i = find()
        local text = i and decode.str(i)
        if not text or text == "" or text == "<NA>" then return nil end
        return text, i
    end

    F["fs.path." .. kind .. "raw"] = { get = function() return (raw()) end }
    F["fs.path." .. kind] = { get = function()
        local text, i = raw()
        return text and absolute(i, text)
    end }
end

return { fields = F }
