-- A stretch of memory that bytes are appended to and that grows: `at` where it is, `used` and `size` in bytes. Whoever
-- appends makes room, writes at `at + used` and counts `used` up; `at` is another one after room was made.
local ffi = require("ffi")

local M = {}

ffi.cdef [[
typedef struct { uint8_t *at; double used, size; } sdpy_growing;
void *realloc(void *at, size_t size);
void free(void *at);
]]

local function grow(memory, size)
    local at = ffi.C.realloc(memory.at, size)
    if at == nil then error("not enough memory for " .. size .. " bytes") end
    memory.at, memory.size = at, size
end

-- Empty memory for `size` bytes.
function M.new(size)
    local memory = ffi.gc(ffi.new("sdpy_growing"), function(old) ffi.C.free(old.at) end)
    grow(memory, size)
    return memory
end

-- Make room for `size` bytes more.
function M.reserve(memory, size)
    if memory.used + size > memory.size then grow(memory, 2 * memory.size + size) end
end

-- Address and number of the bytes that were appended; what is appended from now on takes their place.
function M.take(memory)
    local used = memory.used
    memory.used = 0
    return tonumber(ffi.cast("intptr_t", memory.at)), used
end

return M
