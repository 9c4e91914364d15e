-- The next file of a run: what belongs to one file is emptied, what belongs to the run (filter, sinks, formats,
-- chisels, limits) stays. Tables are emptied in place, since everybody holds them.
local ffi = require("ffi")
local clear = require("table.clear")
local con = require("control")
local ev = require("ev")
local record = require("record")
local containers = require("state.containers")
local endpoints = require("state.endpoints")
local fds = require("state.fds")
local interfaces = require("state.interfaces")
local overhead = require("state.overhead")
local state_records = require("state.records")
local threads = require("state.threads")
local users = require("state.users")
local spans = require("tracer.spans")

local M = {}

local function clear_counters()
    local control, max_events, limit_ns = con.control, con.control.max_events, con.control.limit_ns
    local until_rel = control.until_rel
    ffi.fill(control, ffi.sizeof("sdpy_control"))
    control.max_events, control.limit_ns, control.until_rel = max_events, limit_ns, until_rel
    clear(state_records.lost_by_cause)
    overhead.forget()
end

local function clear_state()
    threads.clear()
    fds.forget_closes()
    for _, name in ipairs({ "by_id", "by_cgroup", "by_ip", "path_of" }) do clear(containers[name]) end
    containers.count = 0
    endpoints.forget_all()
    clear(interfaces.list)
    clear(users.by_uid)
    clear(users.by_gid)
end

-- Forget everything that the records of one file told.
function M.forget()
    clear_counters()
    clear_state()
    spans.forget()
    record.cur.rec, record.cur.first_ts = nil, 0
    ev.num, ev.thread, ev.fd, ev.fdnum, ev.container = 0, ev.nobody, nil, nil, nil
end

return M
