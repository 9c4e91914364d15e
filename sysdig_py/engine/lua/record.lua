-- The layout of a record (schema/record.py) for FFI, and the cursor: where the walk stands.
-- `cur.rec` is the record in hand; keeping the pointer in a C struct means that no event allocates a pointer object.
local ffi = require("ffi")
local fixed = require("fixed")

local M = {}

ffi.cdef [[
#pragma pack(push, 1)
typedef struct {
    int32_t len;
    int32_t flags;
    int64_t cgroup_id;
    uint32_t pid;
    uint16_t cpu;
    uint16_t skipped;
    int64_t latency_ns;
    int64_t ts;
    union { int64_t tid; int32_t tid_low; };
    int32_t event_len;
    uint16_t type;
    int32_t nparams;
} sdpy_record;
#pragma pack(pop)

typedef struct {
    const sdpy_record *rec;  /* the event in hand; between batches a private copy of the last one */
    const uint8_t *base;     /* the span being walked */
    int32_t is_light;        /* the event in hand is not all ready: see `walk.complete` */
    int32_t is_plain;        /* of events without thread and fd nobody asks more than `fields.light` calls plain */
    int32_t is_timeless;     /* nobody asks for the time in a call */
    int64_t first_ts;        /* time of the first event of the stream */
    int64_t until_ts;        /* the run is over after this time; 0 = no limit */
} sdpy_cursor;

void *memchr(const void *, int, size_t);
]]

M.PREFIX_SIZE = 32
M.HEADER_SIZE = ffi.sizeof("sdpy_record")
M.STATE_ONLY = 1
M.LARGE = 4
M.COMPAT32 = 0x10
M.IO_URING = 0x20
M.FIRST_STATE = 0xF000
M.MAX_SHORT_PARAM = 0xFFFF

M.ptr = ffi.typeof("const sdpy_record *")
M.mut_ptr = ffi.typeof("sdpy_record *")
M.cur = fixed("sdpy_cursor")

assert(M.HEADER_SIZE == 58, "record layout is not packed")

return M
