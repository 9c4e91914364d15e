-- Counters and limits of a run in one C struct: numbers that change per event stay out of Lua tables and upvalues.
local ffi = require("ffi")
local fixed = require("fixed")

ffi.cdef [[
typedef struct {
    double num;              /* number of the last event */
    double delivered;        /* events the capture filter accepted */
    double rejected;
    double state_only;
    double state_records;
    double unknown;          /* records of no known type */
    double malformed;        /* damaged records met in the ring */
    double lost;             /* sum of the GAP records */
    double max_events;       /* 0 = no limit */
    double limit_ns;         /* of event time since the first delivered event; 0 = no limit */
    double until_rel;        /* the run is over so many ns after the first event; 0 = no limit */
    double started;          /* time of the first delivered event, in ns since the first event */
    double left_out;         /* events since the last record that was written */
    double offset;           /* how far the walk is: bytes of a span, or ring position */
    double cgroup_id;        /* of the cgroup_mkdir record that stopped the walk */
    int64_t quiet_from;      /* no timer is due at an event of a time from here on, ns since the epoch ... */
    uint64_t quiet_length;   /* ... for so long */
    int32_t stop;            /* the run is over */
} sdpy_control;
]]

local M = { control = fixed("sdpy_control") }

M.OK, M.MORE, M.CGROUP, M.FULL, M.STOP = 0, 1, 2, 3, 4
-- a damaged record or block; never leaves the walk over records as a status
M.DAMAGED = 5
-- of the walk over the blocks of a .scap: the next one is for the host, is a container event, is the first event
M.BLOCK, M.CONTAINER, M.EVENT = 6, 7, 8
-- the events that went by should have been looked at: the source is to be begun again
M.AGAIN = 9

return M
