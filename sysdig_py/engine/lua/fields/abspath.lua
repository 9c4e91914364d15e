-- evt.abspath: the paths of an event made absolute.
local dialect = require("dialect")
local ev = require("ev")
local decode = require("decode")
local render = require("render")
local fdtext = require("render.fd")
local path = require("state.path")

local PATHS = { fspath = true, fsrelpath = true }

-- Positions of the path parameters of an event type, worked out once per type.
local path_positions = {}
local function paths_of(info)
    local known = path_positions[info]
    if known then return known end
    known = {}
    for i, param in ipairs(info.params) do
        if PATHS[param.type] then known[#known + 1] = i - 1 end
    end
    path_positions[info] = known
    return known
end

local function absolute_path(i)
    local text = decode.str(i)
    if not text then return nil end
    return render.resolved_path(text, ev.info.params[i + 1].dirfd) or path.join("", text)
end

local WHICH = { src = 1, dst = 2 }

local function of_all_paths(which)
    return function()
        local paths = paths_of(ev.info)
        if #paths ~= (which and 2 or 1) then return nil end
        return absolute_path(paths[which or 1])
    end
end

-- The calls relative to a directory fd that sysdig knows: positions of directory fd and path, of the one it takes from
-- and the one it makes.
local ONE, TWO = { 1, 2 }, { 1, 2, 3, 4 }
local RELATIVE = {
    [102] = { 0, 1 }, [106] = { 0, 1, 2, 3 }, [110] = { 0, 1 }, [177] = TWO, [181] = { 2, 3 }, [303] = ONE, [305] = ONE,
    [307] = ONE, [311] = TWO, [313] = ONE, [319] = TWO, [327] = ONE,
}

-- Where a path starts that is relative to the fd `num`; nil when that is not known.
local function start_of(num)
    if num == fdtext.AT_FDCWD then return ev.thread.cwd end
    local fd = num and num >= 0 and ev.thread.fds and ev.thread.fds[num]
    return fd and (fd.name ~= "" and fd.name .. "/" or "")
end

local function of_relative_calls(which)
    return function()
        local positions = RELATIVE[ev.type]
        if not positions then return nil end
        local first = which == WHICH.dst and #positions == 4 and 3 or 1
        local text = decode.str(positions[first + 1])
        if not text then return nil end
        if text:sub(1, 1) == "/" then return path.join("", text) end
        local start = start_of(decode.int(positions[first]))
        return start and path.join(start, text)
    end
end

local make = dialect.paired and of_relative_calls or of_all_paths

return { fields = { ["evt.abspath"] = { make = function(argument)
    local which = WHICH[argument]
    if argument and not which then return nil end
    return { get = make(which) }
end } } }
