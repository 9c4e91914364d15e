-- What lsof, netstat and ps share: a look at the tables of threads and fds when the first event comes.

local M = {}

local is_done = false
local filter

-- The argument of such a chisel.
M.argument = {
    name = "filter", argtype = "filter", optional = true,
    description = "A filter on processes and fds, such as 'proc.name=foo and fd.name contains /etc'",
}

function M.set_arg(_, value)
    filter = value
    return true
end

-- The user's filter, "" without one.
function M.filter()
    return filter or ""
end

-- Return an on_event that ends the run and calls `show`, once.
function M.once(show)
    return function()
        if not is_done then
            is_done = true
            sysdig.end_capture()
            show()
        end
        return false
    end
end

function M.on_capture_end()
    if not is_done then
        print("empty capture or no event matching the filter")
    end
end

local function by_key(map)
    local keys = {}
    for key in pairs(map) do
        keys[#keys + 1] = key
    end
    table.sort(keys)
    local position = 0
    return function()
        position = position + 1
        return keys[position], map[keys[position]]
    end
end

-- Iterate over threads by tid, or over a thread's fds by number.
M.by_key = by_key

return M
