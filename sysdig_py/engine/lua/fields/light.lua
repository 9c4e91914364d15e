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
-- Those among them that need neither the parameters of the event nor the time since the first.
local PLAIN = {
    "evt.num", "evt.time", "evt.time.s", "evt.datetime", "evt.rawtime", "evt.rawtime.s", "evt.rawtime.ns",
    "evt.latency", "evt.latency.s", "evt.latency.ns", "evt.latency.human", "evt.latency.quantized", "evt.dir",
    "evt.type", "evt.type.is", "evt.cpu", "evt.count", "evt.count.exit", "syscall.type", "evt.is_io",
    "evt.is_io_read", "evt.is_io_write", "evt.io_dir", "evt.is_wait",
}
local known, plain = {}, {}
for _, name in ipairs(NAMES) do known[name] = true end
for _, name in ipairs(PLAIN) do plain[name] = true end

-- Whether the field of this name, argument included, is one of them.
function M.is(name)
    return known[name] or known[name:match("^(evt%.rawarg)[%.%[]") or name:match("^(evt%.type%.is)[%.%[]")] or false
end

-- Whether it is one of those that need next to nothing.
function M.is_plain(name)
    return plain[name] or plain[name:match("^(evt%.type%.is)[%.%[]")] or false
end

return M
