-- What waits to be written, the earliest first; of the same time, in the order it came.
--
-- Most comes in the order of time, and much of it may wait: entries are put into buckets of a millisecond. Of a bucket,
-- what came in order is a list, the rest is sorted by a heap once the bucket is the first one. Entries must lie within
-- SPAN of the earliest.
local bit = require("bit")
local ffi = require("ffi")

local M = {}

ffi.cdef [[
typedef struct { double ts, order, at; int32_t kind, next; } sdpy_queued;
typedef struct { int32_t head, tail, rest; } sdpy_bucket;
typedef struct {
    double size, order, current;   /* entries in all; entries ever; number of the first bucket */
    int32_t run, free, room, used; /* lists of entries: in order of the first bucket, unused; entries that there are */
    double heap_size, heap_room;
    sdpy_queued *all;
    int32_t *heap;
} sdpy_queue;
]]

local WIDTH, BUCKETS = 1e6, 8192
M.SPAN = WIDTH * (BUCKETS - 2)
local NONE = 0

local queue = ffi.new("sdpy_queue")
local buckets = ffi.new("sdpy_bucket[?]", BUCKETS)
local memory, heap_memory
local floor, copy, sizeof = math.floor, ffi.copy, ffi.sizeof
local band = bit.band

-- Entries are counted from 1.
local function allocate(room)
    local larger = ffi.new("sdpy_queued[?]", room + 1)
    if queue.used > 0 then copy(larger, queue.all, sizeof("sdpy_queued") * (queue.used + 1)) end
    memory = larger
    queue.all, queue.room = memory, room
end

local function allocate_heap(room)
    local larger = ffi.new("int32_t[?]", room + 1)
    if queue.heap_size > 0 then copy(larger, queue.heap, 4 * (queue.heap_size + 1)) end
    heap_memory = larger
    queue.heap, queue.heap_room = heap_memory, room
end

function M.open()
    ffi.fill(buckets, sizeof(buckets))
    queue.size, queue.order, queue.current, queue.used, queue.heap_size = 0, 0, 0, 0, 0
    queue.run, queue.free = NONE, NONE
    allocate(1024)
    allocate_heap(64)
end

function M.size()
    return queue.size
end

local function is_before(i, k)
    local one, other = queue.all[i], queue.all[k]
    return one.ts < other.ts or (one.ts == other.ts and one.order < other.order)
end

-- Entries of the heap are counted from 1; those below i are 2i and 2i + 1.
local function heap_push(entry)
    if queue.heap_size == queue.heap_room then allocate_heap(2 * queue.heap_room) end
    local heap, i = queue.heap, queue.heap_size + 1
    queue.heap_size = i
    while i > 1 do
        local above = floor(i / 2)
        if is_before(heap[above], entry) then break end
        heap[i] = heap[above]
        i = above
    end
    heap[i] = entry
end

local function heap_pop()
    local heap, size = queue.heap, queue.heap_size - 1
    local first, last, i = heap[1], heap[size + 1], 1
    queue.heap_size = size
    while 2 * i <= size do
        local below = 2 * i
        if below < size and is_before(heap[below + 1], heap[below]) then below = below + 1 end
        if not is_before(heap[below], last) then break end
        heap[i] = heap[below]
        i = below
    end
    heap[i] = last
    return first
end

local function new_entry()
    local i = queue.free
    if i ~= NONE then
        queue.free = queue.all[i].next
        return i
    end
    if queue.used == queue.room then allocate(2 * queue.room) end
    i = queue.used + 1
    queue.used = i
    return i
end

-- Add an entry that is not before what was taken out.
function M.push(ts, at, kind)
    local i, number = new_entry(), floor(ts / WIDTH)
    local entry = queue.all[i]
    queue.order = queue.order + 1
    entry.ts, entry.order, entry.at, entry.kind, entry.next = ts, queue.order, at, kind, NONE
    if queue.size == 0 then queue.current = number - 1 end
    queue.size = queue.size + 1
    if number <= queue.current then return heap_push(i) end
    local bucket = buckets[band(number, BUCKETS - 1)]
    if bucket.head == NONE then
        bucket.head, bucket.tail = i, i
    elseif queue.all[bucket.tail].ts <= ts then
        queue.all[bucket.tail].next, bucket.tail = i, i
    else
        entry.next, bucket.rest = bucket.rest, i
    end
end

-- Go on to the next bucket that holds something; there is one.
local function open_next()
    local bucket
    repeat
        queue.current = queue.current + 1
        bucket = buckets[band(queue.current, BUCKETS - 1)]
    until bucket.head ~= NONE
    queue.run = bucket.head
    local i = bucket.rest
    while i ~= NONE do
        heap_push(i)
        i = queue.all[i].next
    end
    bucket.head, bucket.rest = NONE, NONE
end

-- Whether the earliest is the first of the heap.
local function is_in_heap()
    if queue.heap_size == 0 then return false end
    return queue.run == NONE or is_before(queue.heap[1], queue.run)
end

-- Time of the earliest; beyond all times when there is none.
function M.first()
    if queue.size == 0 then return math.huge end
    if queue.run == NONE and queue.heap_size == 0 then open_next() end
    return queue.all[is_in_heap() and queue.heap[1] or queue.run].ts
end

-- Remove the earliest. Returns its time, place and kind.
function M.pop()
    if queue.run == NONE and queue.heap_size == 0 then open_next() end
    local i
    if is_in_heap() then
        i = heap_pop()
    else
        i = queue.run
        queue.run = queue.all[i].next
    end
    local entry = queue.all[i]
    local ts, at, kind = entry.ts, entry.at, entry.kind
    entry.next, queue.free = queue.free, i
    queue.size = queue.size - 1
    return ts, at, kind
end

return M
