-- The fd tables of streams with enter events. A close begins with its enter event: a number that is given out again
-- before the exit came is kept from removal.
local ev = require("ev")
local fds = require("state.fds")

local M = { LIMIT = 4096 }

-- entries per table, at most: it only grows between recounts
local counts = setmetatable({}, { __mode = "k" })

local function is_full(entries)
    local count = (counts[entries] or 0) + 1
    if count > M.LIMIT then
        count = 1
        for _ in pairs(entries) do count = count + 1 end
    end
    counts[entries] = count
    return count > M.LIMIT
end

-- Enter an fd; the event is from now on about it. A full table takes no more, and the event knows no fd.
function M.add(thread, fd)
    local number = fd.num
    thread.pairing.last_fd, ev.fdnum = number, number
    local old = thread.fds[number]
    fd.closing, fd.close_canceled = nil, nil
    if old then
        if old.closing then fd.close_canceled = true end
    elseif is_full(thread.fds) then
        ev.fd = nil
        return nil
    end
    thread.fds[number], ev.fd = fd, fd
    return fd
end

-- A successful close: the fd goes when the next event comes.
function M.close(thread, fd)
    if fd.close_canceled then
        fd.close_canceled = nil
        return
    end
    fds.schedule(thread.fds, tonumber(thread.pairing.last_fd), fd)
end

-- A table with copies of all entries, as a new process gets it.
function M.cloned(source)
    local copies = {}
    for number, fd in pairs(source) do
        copies[number] = fds.copy(fd, fd.num)
    end
    counts[copies] = counts[source]
    return copies
end

return M
