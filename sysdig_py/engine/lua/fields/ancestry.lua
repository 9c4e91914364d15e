-- Walking from a process to its ancestors. Chains are short; LIMIT only guards against a damaged table.
local ev = require("ev")
local threads = require("state.threads")

local M = {}

local LIMIT = 256
M.LIMIT = LIMIT

-- A text of a thread, nil while nothing told it.
function M.known(value)
    if value == "<NA>" then return nil end
    return value
end

local function main_of(thread)
    return thread.main or thread
end
M.main_of = main_of

-- The parent process' thread, nil when it is not known.
local function parent(thread)
    local ptid = main_of(thread).ptid
    local found = ptid and threads.get(ptid)
    if found == thread then return nil end
    return found
end
M.parent = parent

-- The ancestor `n` generations up from the thread of the event; 0 is its process.
function M.ancestor(n)
    local thread = main_of(ev.thread)
    for _ = 1, n do
        thread = parent(thread)
        if not thread then return nil end
    end
    return thread
end

-- Whether `compare(constant, read(ancestor))` holds for any ancestor; the process itself is none.
function M.any(read, compare, constant)
    local thread = parent(ev.thread)
    for _ = 1, LIMIT do
        if not thread then return false end
        if compare(constant, read(thread)) then return true end
        thread = parent(thread)
    end
    return false
end

-- The last of the process and its ancestors that `accepts`, nil when none does.
function M.eldest(accepts)
    local thread, found = main_of(ev.thread), nil
    for _ = 1, LIMIT do
        if not thread then break end
        if accepts(thread) then found = thread end
        thread = parent(thread)
    end
    return found
end

return M
