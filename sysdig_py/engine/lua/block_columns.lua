-- The records of a block by columns, and back: see trace/columns.py for what that is. The loop over the columns is
-- spelled out, so that one trace holds it.
local bit = require("bit")
local ffi = require("ffi")
local record = require("record")

local M = {}

local cast, copy, tobit = ffi.cast, ffi.copy, bit.tobit
local u8p = ffi.typeof("uint8_t *")
local HEADER = record.HEADER_SIZE

ffi.cdef [[
typedef struct { int64_t cgroup_id, ts, tid; int32_t pid; } sdpy_before;
]]
local head = ffi.new("uint8_t[64]")
local rec = cast(record.mut_ptr, head)
-- as signed: differences wrap around
local pid_of = cast("int32_t *", head + 16)
local before = ffi.new("sdpy_before")
local made, made_size = nil, 0

-- Offset and width of the columns of a header; element I of the column at O of N records is at O * N + I * width.
local COLUMNS = { { 0, 4 }, { 4, 4 }, { 8, 8 }, { 16, 8 }, { 24, 1 }, { 25, 1 }, { 26, 2 }, { 28, 4 }, { 32, 1 },
    { 33, 1 }, { 34, 2 }, { 36, 4 }, { 40, 8 }, { 48, 8 }, { 56, 2 } }
local POINTERS = { [1] = "uint8_t *", [2] = "uint16_t *", [4] = "int32_t *", [8] = "int64_t *" }

-- A function that moves the header at `h` to or from place i of the columns of n elements at `p`, without a loop.
local function mover(form)
    local lines = { "local cast, pointers = ..." }
    for width in pairs(POINTERS) do lines[#lines + 1] = ("local u%d = pointers[%d]"):format(width, width) end
    lines[#lines + 1] = "return function(h, p, i, n)"
    for _, column in ipairs(COLUMNS) do
        lines[#lines + 1] = form:gsub("OFFSET", column[1]):gsub("WIDTH", column[2])
    end
    local types = {}
    for width, name in pairs(POINTERS) do types[width] = ffi.typeof(name) end
    return assert(loadstring(table.concat(lines, "\n") .. "\nend"))(cast, types)
end

local to_columns = mover("cast(uWIDTH, p + OFFSET * n)[i] = cast(uWIDTH, h + OFFSET)[0]")
local from_columns = mover("cast(uWIDTH, h + OFFSET)[0] = cast(uWIDTH, p + OFFSET * n)[i]")

local function restart()
    ffi.fill(before, ffi.sizeof(before))
end

local function to_differences()
    local cgroup_id, ts, tid, pid = rec.cgroup_id, rec.ts, rec.tid, pid_of[0]
    rec.cgroup_id, rec.ts, rec.tid = cgroup_id - before.cgroup_id, ts - before.ts, tid - before.tid
    pid_of[0] = tobit(pid - before.pid)
    before.cgroup_id, before.ts, before.tid, before.pid = cgroup_id, ts, tid, pid
end

local function from_differences()
    before.cgroup_id, before.ts = before.cgroup_id + rec.cgroup_id, before.ts + rec.ts
    before.tid, before.pid = before.tid + rec.tid, tobit(before.pid + pid_of[0])
    rec.cgroup_id, rec.ts, rec.tid, pid_of[0] = before.cgroup_id, before.ts, before.tid, before.pid
end

local function target(size)
    if size > made_size then made, made_size = ffi.new("uint8_t[?]", size), size end
    return cast(u8p, made)
end

-- Sort `count` records at `address` by columns. Returns where the result is, nil when the bytes are not that.
function M.pack(address, size, count)
    local source, columns = cast(u8p, address), target(size)
    local at, body = 0, HEADER * count
    if body > size then return nil end
    restart()
    for i = 0, count - 1 do
        if at + HEADER > size then return nil end
        copy(head, source + at, HEADER)
        local rest = rec.len - HEADER
        if rest < 0 or body + rest > size or at + HEADER + rest > size then return nil end
        copy(columns + body, source + at + HEADER, rest)
        at, body = at + HEADER + rest, body + rest
        to_differences()
        to_columns(head, columns, i, count)
    end
    if body ~= size then return nil end
    return tonumber(cast("intptr_t", columns))
end

-- Write the `count` records that are sorted by columns at `address` to `into`, which has the same size. Whether the
-- bytes are that; nothing outside of both is touched.
function M.unpack(address, size, count, into)
    local columns, records = cast(u8p, address), cast(u8p, into)
    local at, body = 0, HEADER * count
    if body > size then return false end
    restart()
    for i = 0, count - 1 do
        from_columns(head, columns, i, count)
        local rest = rec.len - HEADER
        if rest < 0 or body + rest > size then return false end
        from_differences()
        copy(records + at, head, HEADER)
        copy(records + at + HEADER, columns + body, rest)
        at, body = at + HEADER + rest, body + rest
    end
    return body == size
end

return M
