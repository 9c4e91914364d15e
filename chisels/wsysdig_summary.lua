-- What happened in a capture, second by second, as one JSON document: the summary page of a graphical front end.
--
--   sysdig-py -r trace -c wsysdig_summary
--
--   {"duration_s":12,"metrics":{"fileBytes":{"max":4096,"timeLine":[{"t":"1502466540000000000","v":832},...]...

local json = require "json"

description = "Counts what happened in a capture per second and in all: calls, bytes, connections, errors, slow I/O, "
    .. "logs, programs, signals. Prints one JSON document with the total (tot), the largest second (max) and the "
    .. "course (timeLine) of each."
short_description = "Summary of a capture as JSON"
category = "System State"

args = {
    { name = "composite_args", argtype = "int", optional = true, description = "Number of points of each course" },
}

local NAMES = {
    "evt.type", "evt.dir", "evt.rawres", "evt.latency", "evt.buflen", "evt.is_io_read", "evt.is_io_write",
    "evt.rawarg.data", "fd.type", "fd.name", "fd.sport", "proc.pname", "evt.arg.exe", "evt.arg.sig", "syslog.severity",
}
local SYSTEM_DIRS = {
    "/bin/", "/sbin/", "/boot/", "/etc/", "/lib", "/usr/bin/", "/usr/sbin/", "/usr/share/", "/usr/lib",
}
local SLOW_MS = { 1, 10, 100 }
local NS_PER_MS, SSH, IN_PROGRESS, WARNING = 1000000, 22, -115, 4

local fields, metrics, seconds = {}, {}, {}
local most_points = 400

function on_set_arg(_, value)
    most_points = tonumber((value:match("^[^,]*")))
    return most_points ~= nil and most_points >= 1
end

function on_init()
    for _, name in ipairs(NAMES) do
        fields[name] = chisel.request_field(name)
    end
    return true
end

local function get(name)
    return evt.field(fields[name])
end

-- Count in the second of the event.
local function count(metric, number)
    local at = #seconds
    local values = metrics[metric]
    if not values then
        values = {}
        metrics[metric] = values
    end
    values[at] = (values[at] or 0) + (number or 1)
end

local function starts_with_any(text, starts)
    for _, start in ipairs(starts) do
        if text:sub(1, #start) == start then
            return true
        end
    end
    return false
end

local function count_log(kind, is_warning, is_error)
    count(kind .. "LogCount")
    if is_error then
        count(kind .. "LogCountE")
    elseif is_warning then
        count(kind .. "LogCountW")
    end
end

local function count_lines(text)
    for line in text:lower():gmatch("[^\n]+") do
        count_log("app", line:find("warn", 1, true), line:find("error", 1, true) or line:find("critic", 1, true)
            or line:find("emergency", 1, true) or line:find("alert", 1, true))
    end
end

local function is_log(name)
    local looks_like_one = name:find("%.log") or name:find("_log", 1, true) or name:find("/var/log", 1, true)
    return looks_like_one and not name:find("%.t?gz")
end

local function count_syslog()
    local severity = get("syslog.severity")
    if severity then
        count_log("sys", severity == WARNING, severity < WARNING)
    end
    return severity ~= nil
end

local function file_io(name, is_write, size)
    count("fileBytes", size)
    count(is_write and "fileBytesW" or "fileBytesR", size)
    if is_write and starts_with_any(name, SYSTEM_DIRS) then
        count("sysFileCountW")
    end
    if is_write and not count_syslog() and is_log(name) then
        count_lines(get("evt.rawarg.data") or "")
    end
    local latency = get("evt.latency") or 0
    for _, ms in ipairs(SLOW_MS) do
        if latency > ms * NS_PER_MS and not starts_with_any(name, { "/dev/" }) then
            count("over" .. ms .. "msFileIoCount")
        end
    end
end

local function network_io(is_write, size)
    count("netBytes", size)
    count(is_write and "netBytesW" or "netBytesR", size)
    local status = (get("evt.rawarg.data") or ""):match("^HTTP/%S+ (%d+)")
    if status then
        count("sysReqCountHttp")
        if status ~= "200" then
            count("sysErrCountHttp")
        end
    end
end

local function data_moved(is_write)
    local kind, size = get("fd.type"), get("evt.buflen") or 0
    if kind == "file" then
        file_io(get("fd.name") or "", is_write, size)
    elseif kind == "ipv4" or kind == "ipv6" then
        network_io(is_write, size)
    elseif kind == "unix" and is_write then
        count_syslog()
    end
end

local function connection(metric)
    local port = get("fd.sport")
    if not port then
        return
    end
    count(metric)
    if port == SSH then
        count("newConnectionsSsh")
    end
end

local function program()
    count("executedCommands")
    if (get("proc.pname") or ""):find("bash", 1, true) then
        count("executedInteractiveCommands")
    end
    if get("evt.arg.exe") == "sudo" then
        count("sudoInvocations")
    end
end

local function birth(result)
    if result > 0 then
        count("forkCount")
    end
end

local function deletion() count("fileDeletionsCount") end
local function link() count("newSymLinksCount") end
local function accepted() connection("newConnectionsI") end

local SUCCEEDED = {
    execve = program, execveat = program, clone = birth, clone3 = birth, fork = birth, vfork = birth, unlink = deletion,
    unlinkat = deletion, symlink = link, symlinkat = link, accept = accepted, accept4 = accepted,
    bind = function() if get("fd.sport") then count("newListeningPorts") end end,
    connect = function() connection("newConnectionsO") end,
    setns = function() count("setnsInvocations") end,
}
local FAILED = {
    open = function() count("openErrorCount") end,
    openat = function() count("openErrorCount") end,
    connect = function(result)
        connection("newConnectionsO")
        if result ~= IN_PROGRESS and (get("fd.type") == "ipv4" or get("fd.type") == "ipv6") then
            count("connectErrorCount")
        end
    end,
}

local function returned(kind)
    local result = get("evt.rawres")
    if not result then
        return
    end
    local is_write = get("evt.is_io_write")
    if result >= 0 and (is_write or get("evt.is_io_read")) then
        return data_moved(is_write)
    end
    local handler = (result >= 0 and SUCCEEDED or FAILED)[kind]
    if handler then
        handler(result)
    end
end

function on_event()
    local second = evt.get_ts()
    if seconds[#seconds] ~= second then
        seconds[#seconds + 1] = second
    end
    count("syscallCount")
    local kind = get("evt.type")
    if get("evt.dir") == "<" then
        returned(kind)
    elseif kind == "signaldeliver" then
        count("signalCount")
        if get("evt.arg.sig") == "SIGSEGV" then
            count("segfaultCount")
        end
    elseif kind == "notification" then
        count("notifications")
    end
    return false
end

-- The course of a metric in at most so many points, each the sum of some seconds.
local function course(values)
    local per_point = math.max(1, math.ceil(#seconds / most_points))
    local line, total, largest = {}, 0, 0
    for from = 1, #seconds, per_point do
        local sum = 0
        for at = from, math.min(from + per_point - 1, #seconds) do
            sum = sum + (values[at] or 0)
        end
        line[#line + 1] = { t = sysdig.make_ts(seconds[from], 0), v = sum }
        total, largest = total + sum, math.max(largest, sum)
    end
    return { tot = total, max = largest, timeLine = line }
end

function on_capture_end(_, _, delta)
    local result = {}
    for name, values in pairs(metrics) do
        result[name] = course(values)
    end
    print(json.encode({ duration_s = math.ceil(delta / 1e9), metrics = result }))
end
