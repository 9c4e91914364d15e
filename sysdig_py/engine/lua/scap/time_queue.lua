-- A priority queue: what waits to be written, the earliest first; of the same time, in the order it came.
local ffi = require("ffi")

local M = {}

ffi.cdef [[
typedef struct { double ts, order, at; int32_t kind; } sdpy_queued;
typedef struct { double size, room, order; sdpy_queued *all; } sdpy_queue;
]]

local queue = ffi.new("sdpy_queue")
local memory
local SIZE = ffi.sizeof("sdpy_queued")

local function allocate(room)
    local larger = ffi.new("sdpy_queued[?]", room + 1)
    if queue.size > 0 then ffi.copy(larger, queue.all, SIZE * (queue.size + 1)) end
    memory = larger
    queue.all, queue.room = memory, room
end

function M.open()
    queue.size, queue.order = 0, 0
    allocate(1024)
end

function M.size()
    return queue.size
end

-- Time of the earliest; beyond all times when there is none.
function M.first()
    return queue.size > 0 and queue.all[1].ts or math.huge
end

-- Entries are counted from 1; those of i are 2i and 2i + 1.
function M.push(ts, at, kind)
    if queue.size == queue.room then allocate(2 * queue.room) end
    local all, i, order = queue.all, queue.size + 1, queue.order + 1
    queue.size, queue.order = i, order
    while i > 1 do
        local above = math.floor(i / 2)
        if all[above].ts <= ts then break end
        all[i] = all[above]
        i = above
    end
    local entry = all[i]
    entry.ts, entry.order, entry.at, entry.kind = ts, order, at, kind
end

local function is_before(one, other)
    return one.ts < other.ts or (one.ts == other.ts and one.order < other.order)
end

-- Remove the earliest. Returns its time, place and kind.
function M.pop()
    local all, size = queue.all, queue.size - 1
    local ts, at, kind = all[1].ts, all[1].at, all[1].kind
    queue.size = size
    local last, i = all[size + 1], 1
    while 2 * i <= size do
        local below = 2 * i
        if below < size and is_before(all[below + 1], all[below]) then below = below + 1 end
        if not is_before(all[below], last) then break end
        all[i] = all[below]
        i = below
    end
    all[i] = last
    return ts, at, kind
end

return M
