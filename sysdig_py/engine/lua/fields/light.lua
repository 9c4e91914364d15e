-- How much of an event each field needs to be answered. What nobody who wants an event asks of it is not made ready
-- (`scap/lanes`). Each level has all of those before it.
--   PLAIN  neither the parameters of the event nor the time since the first
--   LIGHT  the event by itself: neither its thread nor its fd. The time in the call, too: the thread's pairing knows it
--   NEAR   its thread, fd and container as they stand, but not what is kept beside the table of threads (memory
--          counters)
--   WHOLE  everything
local M = { PLAIN = 0, LIGHT = 1, NEAR = 2, WHOLE = 3 }

local NAMES = {
    [M.PLAIN] = {
        "evt.num", "evt.time", "evt.time.s", "evt.datetime", "evt.rawtime", "evt.rawtime.s", "evt.rawtime.ns",
        "evt.latency", "evt.latency.s", "evt.latency.ns", "evt.latency.human", "evt.latency.quantized", "evt.dir",
        "evt.type", "evt.type.is", "evt.cpu", "evt.count", "evt.count.exit", "syscall.type", "evt.is_io",
        "evt.is_io_read", "evt.is_io_write", "evt.io_dir", "evt.is_wait",
    },
    [M.LIGHT] = {
        "evt.reltime", "evt.reltime.s", "evt.reltime.ns", "evt.count.error", "evt.res", "evt.rawres", "evt.failed",
        "evt.rawarg",
    },
    [M.NEAR] = {
        "evt.category", "evt.count.error.file", "evt.count.error.net", "evt.count.error.memory",
        "evt.count.error.other", "evt.buffer", "evt.buflen", "evt.buflen.in", "evt.buflen.out", "evt.buflen.file",
        "evt.buflen.file.in", "evt.buflen.file.out", "evt.buflen.net", "evt.buflen.net.in", "evt.buflen.net.out",
        "fd.num", "fd.type", "fd.typechar", "fd.name", "fd.directory", "fd.filename", "fd.containername",
        "fd.containerdirectory", "fd.uid", "fd.cip", "fd.sip", "fd.lip", "fd.rip", "fd.cport", "fd.sport", "fd.lport",
        "fd.rport", "fd.cproto", "fd.sproto", "fd.lproto", "fd.rproto", "fd.l4proto", "fd.sockfamily",
        "fd.is_server", "fd.connected", "fd.cip.container", "fd.sip.container", "proc.pid", "proc.vpid", "proc.name",
        "proc.exe", "proc.exepath", "proc.args", "proc.cmdline", "proc.exeline", "proc.ppid", "proc.pname", "proc.cwd",
        "proc.sid", "thread.tid", "thread.vtid", "thread.nametid", "user.uid", "user.name", "group.gid", "group.name",
        "container.id", "container.name", "container.type", "container.image",
    },
}
local levels = {}
for level, names in pairs(NAMES) do
    for _, name in ipairs(names) do levels[name] = level end
end

-- The level of the field of this name, argument included.
function M.level(name)
    local known = name:match("^(evt%.rawarg)[%.%[]") or name:match("^(evt%.type%.is)[%.%[]") or name
    return levels[known] or M.WHOLE
end

return M
