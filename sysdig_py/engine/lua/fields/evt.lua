-- Fields about what: type, category, result, arguments of the event.
local bit = require("bit")
local dialect = require("dialect")
local ev = require("ev")
local decode = require("decode")
local render = require("render")
local fdtext = require("render.fd")
local schema = require("schema_data")
local spans = require("tracer.spans")
local written = require("written")
local syslog = require("fields.syslog_message")
local syscall_category = require("fields.syscall_category")

local F = {}

local event_info = require("event_info")

local GENERIC_EXIT = 1
local SYSCALL, BASE = 512, 255
local IO_FIRST, IO_LAST = 32, 34
local band = bit.band
local CATEGORY = {
    [0] = "unknown", "other", "file", "net", "IPC", "memory", "process", "sleep", "system", "signal", "user", "time",
    "processing", [64] = "wait", [128] = "scheduler",
}
local IO_CATEGORY = {
    file = "file", directory = "file", ipv4 = "net", ipv6 = "net", unix = "ipc", pipe = "ipc", event = "ipc",
    signalfd = "ipc", inotify = "ipc",
}

F["evt.num"] = { get = function() return ev.num end }
F["evt.dir"] = { get = function() return ev.is_exit and "<" or ">" end }
F["evt.type"] = { get = function() return ev.name end }
F["evt.cpu"] = { get = function() return ev.cpu end }
F["evt.count"] = { get = function() return 1 end }
F["evt.count.exit"] = { get = function() return ev.is_exit and 1 or nil end }

local SWITCH = 152

-- sysdig takes whatever has a thread for a call, but for switches
local function is_call()
    if dialect.paired then return not ev.info.no_thread and ev.type ~= SWITCH end
    return band(ev.info.category, SYSCALL) ~= 0
end

F["syscall.type"] = { get = function()
    return is_call() and ev.name or nil
end }

local function is_type(argument)
    local code = tonumber(argument)
    if code then return function() return ev.type == code and 1 or 0 end end
    return function() return ev.name == argument and 1 or 0 end
end

F["evt.type.is"] = { make = function(argument) return { get = is_type(argument) } end }

-- Only means something in filters, which ask filter_rt; here so that the name is known.
F["evt.around"] = { make = function() return { get = function() return nil end } end }

-- The fd of the event itself: an exit whose enter event is missing has none.
local function own_fd()
    if ev.valid == false then return nil end
    return ev.fd
end

local function category()
    if ev.type <= GENERIC_EXIT then return syscall_category[ev.name] or "other" end
    local base = band(ev.info.category, BASE)
    if base >= IO_FIRST and base <= IO_LAST then
        local fd = own_fd()
        return fd and IO_CATEGORY[fdtext.type(fd)] or "unknown"
    end
    return CATEGORY[base] or "unknown"
end

F["evt.category"] = { get = category }

local function failed()
    local res = ev.res
    return res ~= nil and res < 0
end

F["evt.failed"] = { get = failed }
F["evt.rawres"] = { get = function() return ev.res end }
F["evt.res"] = { get = function()
    local res = ev.res
    if res == nil then return nil end
    return res >= 0 and "SUCCESS" or render.errno_name(res) or ("%d"):format(res)
end }

F["evt.count.error"] = { get = function() return failed() and 1 or nil end }

local ERROR_CLASS = { file = "file", net = "net", memory = "memory" }
-- what sysdig goes by when the event has no fd
local CLASS_OF_CALL = {
    open = "file", creat = "file", openat = "file", openat2 = "file", connect = "net", accept = "net", accept4 = "net",
    brk = "memory", mmap = "memory", mmap2 = "memory", mprotect = "memory",
}

local function error_class()
    if not dialect.paired then return ERROR_CLASS[category()] or "other" end
    local fd = own_fd()
    if not fd then return CLASS_OF_CALL[ev.info.name] or "other" end
    local kind = IO_CATEGORY[fdtext.type(fd)]
    return kind == "file" and "file" or (kind == "net" or fdtext.type(fd) == "unix") and "net" or "other"
end

local function error_count(class)
    return { get = function()
        return failed() and error_class() == class and 1 or nil
    end }
end

for _, class in ipairs({ "file", "net", "memory", "other" }) do
    F["evt.count.error." .. class] = error_count(class)
end

F["evt.count.threadinfo"] = { get = function() return ev.info.name == "procinfo" and 1 or nil end }
F["evt.count.procinfo"] = { get = function()
    return ev.info.name == "procinfo" and ev.tid == ev.pid and 1 or nil
end }

-- rendering has made these fit to be shown; a dump of a buffer has line ends
local function rendered(put)
    local text = written.text_of(put)
    return { get = text, text = text, put = put }
end

-- what a tracer announces takes the place of the arguments of the write that it is
local function put_arguments(buf)
    if ev.info ~= spans.info then return render.put_arguments(buf) end
    buf:put(spans.arguments())
    return true
end

F["evt.args"] = rendered(put_arguments)
F["evt.info"] = rendered(function(buf)
    local message = syslog.current()
    if not message then return put_arguments(buf) end
    buf:put("syslog sev=", message.severity_word, " msg=", render.clean(message.text))
    return true
end)

-- Position of an argument given by name or number in the current event.
local function position_of(argument)
    local fixed = tonumber(argument)
    if fixed then return function() return fixed end end
    return function() return ev.info.index[argument] end
end

F["evt.arg"] = { make = function(argument)
    local position = position_of(argument)
    return rendered(function(buf)
        if ev.info == spans.info then return spans.put_argument(buf, argument) end
        local i = position()
        return i ~= nil and render.put_argument(buf, i)
    end)
end }

local TEXTS = { charbuf = true, fspath = true, fsrelpath = true }
local BYTES = { bytebuf = true, charbufarray = true, charbuf_pair_array = true }
local NO_VALUE = { sockaddr = true, socktuple = true, fdlist = true, sigset = true }

local function class_of(kind)
    return TEXTS[kind] and "text" or BYTES[kind] and "bytes" or NO_VALUE[kind] and "none" or kind == "bool" and "bool"
        or "number"
end

-- one reader per class of value; a parameter that is there but empty is empty text
local READ = {
    text = function(i) return decode.str(i) or (i < decode.nparams() and "" or nil) end,
    bytes = function(i) return decode.bytes(i) or (i < decode.nparams() and "" or nil) end,
    number = decode.num,
    bool = function(i)
        local value = decode.num(i)
        if value == nil then return nil end
        return value ~= 0
    end,
    none = function() return nil end,
}

-- type of each raw argument: that of the first event type which has it, as the catalogue promises
local raw_class = {}
for code = 0, 0xEFFF do
    local info = schema.events[code]
    if not info then break end
    for _, param in ipairs(info.params) do
        raw_class[param.name] = raw_class[param.name] or class_of(param.type)
    end
end

F["evt.rawarg"] = { make = function(argument)
    local class = raw_class[argument]
    if not class then return nil end
    -- event type -> position
    local at = event_info.array(function(code)
        local info = schema.events[code]
        local i = info and info.index[argument]
        return i and class_of(info.params[i + 1].type) == class and i
    end)
    local function reading(read)
        return function()
            local i = at[ev.type]
            if not i or ev.info == spans.info then return nil end
            return read(i)
        end
    end
    return { get = reading(READ[class]), exact = class == "number" and reading(decode.exact) or nil }
end }

return { fields = F, category = category }
