-- Descriptors as text: type words, type letters, `<4t>name`, and the entries of poll lists.
local ffi = require("ffi")
local dialect = require("dialect")
local ev = require("ev")
local fds = require("state.fds")
local memo = require("fields.memo")
local schema = require("schema_data")

local M = { AT_FDCWD = -100 }

local IS_SCAP = dialect.paired
local AT_FDCWD = M.AT_FDCWD
-- longer texts are not worth remembering
local LONG = 1024

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

-- the same for every number up to that of the last kind, which are looked up without a search
local WORD_OF = {}
for kind = 0, 31 do WORD_OF[kind] = WORDS[kind] or "<NA>" end

-- Word of an fd's type, "<NA>" for kinds without one.
function M.type(fd)
    return WORD_OF[fd.type] or "<NA>"
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

-- `make(text)` with a memory for all but long texts: patterns end a trace, a look-up does not.
local function remembered(make)
    local known = memo.one(make)
    return function(text)
        if #text > LONG then return make(text) end
        return known(text)
    end
end

-- Text without what cannot be shown.
M.printable = remembered(function(text)
    return (text:gsub("[^\32-\126]", ""))
end)

-- Control characters never reach a terminal from inside a value; traces of sysdig show them as they are.
M.clean = IS_SCAP and function(text) return text end or remembered(function(text)
    return (text:gsub("[%z\1-\31\127]", "."))
end)

-- Name of an fd fit to be shown; sysdig leaves out what cannot be.
M.name = IS_SCAP and M.printable or M.clean

-- Append `<f>/etc/passwd`, `<4t>1.2.3.4:5->6.7.8.9:10` between `open` and `close`.
local function put_tag(buf, open, close, fd)
    local protocol = M.is_ip(fd) and (fd.role or fd.l4 == "raw") and PROTOCOLS[fd.l4] or ""
    buf:put(open, "<", M.typechar(fd), protocol, ">", M.name(fd.name), close)
end

-- Append the readable form of an fd argument: the fd's tag, AT_FDCWD, an errno name; false for an unknown fd.
function M.put_resolved(buf, open, close, num)
    if num >= 0 then
        local table_of_fds = ev.thread.fds
        local fd = table_of_fds and table_of_fds[num]
        if not fd then return false end
        put_tag(buf, open, close, fd)
        return true
    end
    local text = num == AT_FDCWD and "AT_FDCWD" or schema.errno[-num]
    if not text then return false end
    buf:put(open, text, close)
    return true
end

local ENTRY = 10 -- s64 fd, s16 flags

-- How many entries the poll list at `p` has.
function M.polled(p, len)
    return len >= 2 and math.min(ffi.cast("const uint16_t *", p)[0], math.floor((len - 2) / ENTRY)) or 0
end

-- Entry i (0-based) of a poll list: fd as int64_t, flags.
function M.polled_entry(p, i)
    local at = p + 2 + i * ENTRY
    return ffi.cast("const int64_t *", at)[0], ffi.cast("const uint16_t *", at + 8)[0]
end

return M
