-- Fields that an event answers by itself: neither its thread nor its fd need be known. The time in the call is among
-- them, which the pairing of the thread knows.
local M = {}

local NAMES = {
    "evt.num", "evt.time", "evt.time.s", "evt.datetime", "evt.rawtime", "evt.rawtime.s", "evt.rawtime.ns",
    "evt.reltime", "evt.reltime.s", "evt.reltime.ns", "evt.latency", "evt.latency.s", "evt.latency.ns",
    "evt.latency.human", "evt.latency.quantized", "evt.dir", "evt.type", "evt.type.is", "evt.cpu", "evt.count",
    "evt.count.exit", "evt.count.error", "evt.res", "evt.rawres", "evt.failed", "evt.rawarg", "syscall.type",
    "evt.is_io", "evt.is_io_read", "evt.is_io_write", "evt.io_dir", "evt.is_wait",
}
local known = {}
for _, name in ipairs(NAMES) do known[name] = true end

-- Whether the field of this name, argument included, is one of them.
function M.is(name)
    return known[name] or known[name:match("^(evt%.rawarg)[%.%[]") or name:match("^(evt%.type%.is)[%.%[]")] or false
end

return M
