-- Descriptors as text: type words, type letters, `<4t>name`, and the entries of poll lists.
local ffi = require("ffi")
local dialect = require("dialect")
local ev = require("ev")
local fds = require("state.fds")
local schema = require("schema_data")

local M = { AT_FDCWD = -100 }

local IS_SCAP = dialect.paired

local WORDS = {
    [fds.FILE] = "file", [fds.FILE_V2] = "file", [fds.DIRECTORY] = "directory", [fds.IPV4] = "ipv4",
    [fds.IPV4_LISTENER] = "ipv4", [fds.IPV6] = "ipv6", [fds.IPV6_LISTENER] = "ipv6", [fds.PIPE] = "pipe",
    [fds.UNIX] = "unix", [fds.EVENT] = "event", [fds.SIGNALFD] = "signalfd", [fds.EVENTPOLL] = "eventpoll",
    [fds.INOTIFY] = "inotify", [fds.TIMERFD] = "timerfd", [fds.NETLINK] = "netlink", [fds.BPF] = "bpf",
    [fds.USERFAULTFD] = "userfaultfd", [fds.IO_URING] = "io_uring", [fds.MEMFD] = "memfd", [fds.PIDFD] = "pidfd",
}

local LETTERS = {
    file = "f", directory = "d", ipv4 = "4", ipv6 = "6", pipe = "p", unix = "u", event = "e", signalfd = "s",
    eventpoll = "l", inotify = "i", timerfd = "t", netlink = "n", bpf = "b", userfaultfd = "u", io_uring = "r",
    memfd = "m", pidfd = "P",
}

-- letter by type number, so that no event looks up twice
local LETTER_OF = { [fds.UNSUPPORTED] = "X" }
for kind, word in pairs(WORDS) do LETTER_OF[kind] = LETTERS[word] end

local PROTOCOLS = { tcp = "t", udp = "u", icmp = "i", raw = "r" }

-- Word of an fd's type, "<NA>" for kinds without one.
function M.type(fd)
    return WORDS[fd.type] or "<NA>"
end

-- Letter of an fd's type; `o` for other kinds and for no fd at all.
function M.typechar(fd)
    return fd and LETTER_OF[fd.type] or "o"
end

function M.is_ip(fd)
    local kind = fd.type
    return kind >= fds.IPV4 and kind <= fds.IPV6_LISTENER
end

function M.is_file(fd)
    return fd.type == fds.FILE or fd.type == fds.FILE_V2
end

-- Control characters never reach a terminal from inside a value; traces of sysdig show them as they are.
local function clean(text)
    if IS_SCAP or not text:find("[%z\1-\31\127]") then return text end
    return (text:gsub("[%z\1-\31\127]", "."))
end
M.clean = clean

-- Name of an fd fit to be shown; sysdig leaves out what cannot be.
function M.name(name)
    if not IS_SCAP then return clean(name) end
    return name:find("[^\32-\126]") and name:gsub("[^\32-\126]", "") or name
end

-- `<f>/etc/passwd`, `<4t>1.2.3.4:5->6.7.8.9:10`.
function M.tag(fd)
    local protocol = M.is_ip(fd) and (fd.role or fd.l4 == "raw") and PROTOCOLS[fd.l4] or ""
    return "<" .. M.typechar(fd) .. protocol .. ">" .. M.name(fd.name)
end

-- Readable form of an fd argument: the fd's tag, AT_FDCWD, an errno name; nil for an unknown fd.
function M.resolved(num)
    if num == M.AT_FDCWD then return "AT_FDCWD" end
    if num < 0 then return schema.errno[-num] end
    local fd = ev.thread.fds and ev.thread.fds[num]
    return fd and M.tag(fd) or nil
end

local ENTRY = 10 -- s64 fd, s16 flags

-- Iterate the entries of a poll list: fd, flags.
function M.polled(p, len)
    local count = len >= 2 and math.min(ffi.cast("const uint16_t *", p)[0], math.floor((len - 2) / ENTRY)) or 0
    local i = -1
    return function()
        i = i + 1
        if i >= count then return nil end
        local at = p + 2 + i * ENTRY
        local num = tonumber(ffi.cast("const int64_t *", at)[0])
        return num, ffi.cast("const uint16_t *", at + 8)[0]
    end
end

return M
