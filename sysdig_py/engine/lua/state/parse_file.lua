-- Fds that come from opening files.
local bit = require("bit")
local ev = require("ev")
local decode = require("decode")
local event_info = require("event_info")
local fds = require("state.fds")
local path = require("state.path")

local handlers = {}

local band = bit.band
local num, str, exact = decode.num, decode.str, decode.exact
local layout = event_info.layout
local AT_FDCWD = -100

-- The directory that a relative name starts from.
local function base_of(thread, dirfd)
    if not dirfd or dirfd == AT_FDCWD then return thread.main.cwd end
    local fd = thread.fds[dirfd]
    if not fd then return "<UNKNOWN>" end
    return fd.name .. "/"
end

local function add_file(number, name, flags, at)
    local fd = fds.new(number, band(flags, fds.O_DIRECTORY) ~= 0 and fds.DIRECTORY or fds.FILE, name)
    fd.flags, fd.cloexec = flags, band(flags, fds.O_CLOEXEC) ~= 0
    fd.dev, fd.ino = at.dev and num(at.dev) or 0, at.ino and exact(at.ino) or 0
    fds.add(ev.thread, fd)
end

local function opened(at, extra_flags)
    local number = ev.res
    if not number or number < 0 then return end
    local name = at.name and str(at.name) or at.path and str(at.path) or ""
    local dirfd = at.dirfd and num(at.dirfd)
    local flags = at.flags and num(at.flags) or extra_flags
    add_file(number, path.join(base_of(ev.thread, dirfd), name), flags, at)
end

for _, id in ipairs({ "OPEN", "CREAT", "OPENAT_2", "OPENAT2", "OPEN_BY_HANDLE_AT" }) do
    local at, code = layout("SYSCALL_" .. id .. "_X")
    handlers[code] = function() opened(at, 0) end
end

return handlers
