-- The state tables as columns: what is known at the end of a stream (or now). Each has its columns, with a getter per
-- row, and goes through its rows.
local address = require("state.address")
local containers = require("state.containers")
local dialect = require("dialect")
local fdtext = require("render.fd")
local flows = require("columns.flows")
local interfaces = require("state.interfaces")
local proc = require("fields.proc")
local render = require("render")
local threads = require("state.threads")
local users = require("state.users")
local vectors = require("columns.vectors")

local M = {}

local NO_ID = 0xFFFFFFFF

local function number(key)
    return function(row) return row[key] end
end

-- A number for which -1, or what stands for it in 32 bits, says that it is not known.
local function id(key)
    return function(row)
        local value = row[key]
        if value == -1 or value == NO_ID then return nil end
        return value
    end
end

local function text(key)
    return function(row)
        local value = row[key]
        if not value or value == "" or value == "<NA>" then return nil end
        return render.clean(value)
    end
end

local function ip(key)
    return function(row)
        local raw = row[key]
        return raw and raw ~= "" and address.text(raw) or nil
    end
end

local function container_of(thread)
    if dialect.paired then return thread.container or nil end
    return containers.of_thread(thread)
end

local function container(key, thread_of)
    return function(row)
        local found = container_of(thread_of(row))
        if not found then return "host" end
        return found[key] ~= "" and render.clean(found[key]) or nil
    end
end

local function itself(row)
    return row
end

local function count(entries)
    local total = 0
    for _ in pairs(entries or {}) do total = total + 1 end
    return total
end

local tables = {}

local function started(thread)
    return thread.start_ts ~= 0 and thread.start_ts or nil
end

tables.threads = {
    columns = {
        { "tid", "int64", number("tid") }, { "pid", "int64", number("pid") }, { "ppid", "int64", id("ptid") },
        { "vtid", "int64", id("vtid") }, { "vpid", "int64", id("vpid") },
        { "name", "text", text("comm") }, { "exe", "text", text("exe") }, { "exepath", "text", text("exepath") },
        { "cmdline", "text", proc.command_line }, { "cwd", "text", text("cwd") }, { "uid", "int64", id("uid") },
        { "gid", "int64", id("gid") }, { "loginuid", "int64", id("loginuid") }, { "sid", "int64", id("sid") },
        { "pgid", "int64", id("pgid") }, { "tty", "int64", number("tty") }, { "started", "time", started },
        { "is_main", "bool", function(thread) return thread.tid == thread.pid end },
        { "children", "int64", number("nchilds") },
        { "open_fds", "int64", function(thread) return count(thread.fds) end },
        { "fd_limit", "int64", id("fdlimit") }, { "vm_size_kb", "int64", number("vmsize") },
        { "vm_rss_kb", "int64", number("vmrss") }, { "vm_swap_kb", "int64", number("vmswap") },
        { "container_id", "word", container("id", itself) }, { "container_name", "word", container("name", itself) },
    },
    each = function(emit)
        for _, thread in pairs(threads.by_tid) do
            threads.refresh(thread)
            emit(thread)
        end
    end,
}

local function of_fd(get)
    return function(row) return get(row.fd) end
end

local function of_thread(get)
    return function(row) return get(row.thread) end
end

-- Descriptors of a process belong to its main thread; another thread is named where its table is its own.
local function each_fd(emit)
    for _, thread in pairs(threads.by_tid) do
        if thread.main == thread or thread.fds ~= thread.main.fds then
            for num, fd in pairs(thread.fds or {}) do emit({ thread = thread, num = num, fd = fd }) end
        end
    end
end

tables.fds = {
    columns = {
        { "pid", "int64", of_thread(number("pid")) }, { "tid", "int64", of_thread(number("tid")) },
        { "process", "word", of_thread(text("comm")) }, { "num", "int64", number("num") },
        { "type", "word", of_fd(fdtext.type) }, { "name", "text", of_fd(text("name")) },
        { "l4proto", "word", of_fd(text("l4")) }, { "role", "word", of_fd(text("role")) },
        { "is_listener", "bool", of_fd(function(fd) return fd.listener or false end) },
        { "client_ip", "word", of_fd(ip("sip")) }, { "client_port", "int64", of_fd(number("sport")) },
        { "server_ip", "word", of_fd(ip("dip")) }, { "server_port", "int64", of_fd(number("dport")) },
        { "dev", "int64", of_fd(number("dev")) },
        { "ino", "uint64", of_fd(function(fd) return fd.ino ~= 0 and fd.ino or nil end) },
        { "container_id", "word", container("id", function(row) return row.thread end) },
        { "container_name", "word", container("name", function(row) return row.thread end) },
    },
    each = each_fd,
}

local function labels(found)
    local list = {}
    for key, value in pairs(found.labels or {}) do list[#list + 1] = render.clean(key .. "=" .. value) end
    table.sort(list)
    return list
end

tables.containers = {
    columns = {
        { "id", "text", text("id") }, { "full_id", "text", text("full_id") }, { "name", "text", text("name") },
        { "type", "word", text("type") }, { "image", "text", text("image") }, { "image_id", "text", text("image_id") },
        { "image_repo", "text", text("image_repo") }, { "image_tag", "text", text("image_tag") },
        { "image_digest", "text", text("image_digest") }, { "ip", "text", text("ip") },
        { "privileged", "bool", number("privileged") }, { "labels", "list:text", labels },
    },
    each = function(emit)
        for _, found in pairs(containers.by_id) do emit(found) end
    end,
}

tables.users = {
    columns = {
        { "uid", "int64", number("uid") }, { "gid", "int64", number("gid") }, { "name", "text", text("name") },
        { "home", "text", text("home") }, { "shell", "text", text("shell") },
    },
    each = function(emit)
        for _, user in pairs(users.by_uid) do emit(user) end
    end,
}

tables.interfaces = {
    columns = {
        { "name", "text", text("name") }, { "address", "text", ip("addr") }, { "netmask", "text", ip("netmask") },
        { "broadcast", "text", ip("broadcast") }, { "netns", "int64", number("netns") },
        { "speed", "int64", number("speed") },
    },
    each = function(emit)
        for _, interface in ipairs(interfaces.list) do emit(interface) end
    end,
}

local function of_side(name, get)
    return function(flow) return flow[name] and get(flow[name]) or nil end
end

-- The side whose counts are taken.
local function counted(flow)
    return flow.client or flow.server
end

local function total(key_of_client, key_of_server)
    return function(flow) return flow.client and flow.client[key_of_client] or flow.server[key_of_server] end
end

local function of_counted(key)
    return function(flow) return counted(flow)[key] end
end

tables.flows = {
    columns = {
        { "l4proto", "word", text("l4") },
        { "client_ip", "word", ip("sip") }, { "client_port", "int64", number("sport") },
        { "server_ip", "word", ip("dip") }, { "server_port", "int64", number("dport") },
        { "client_process", "word", of_side("client", text("process")) },
        { "client_pid", "int64", of_side("client", number("pid")) },
        { "client_container", "word", of_side("client", text("container")) },
        { "server_process", "word", of_side("server", text("process")) },
        { "server_pid", "int64", of_side("server", number("pid")) },
        { "server_container", "word", of_side("server", text("container")) },
        { "first", "time", of_counted("first") }, { "last", "time", of_counted("last") },
        { "sent", "int64", total("written", "read") }, { "received", "int64", total("read", "written") },
        { "requests", "int64", of_counted("requests") },
        { "latency_avg", "int64", function(flow)
            local side = counted(flow)
            return side.requests > 0 and side.total / side.requests or nil
        end },
        { "latency_max", "int64", function(flow)
            local side = counted(flow)
            return side.requests > 0 and side.longest or nil
        end },
        { "errors", "int64", of_counted("errors") },
    },
    each = function(emit)
        for _, flow in ipairs(flows.rows) do
            if counted(flow) then emit(flow) end
        end
    end,
}

M.start_flows = flows.start

-- Names and kinds (see columns.vectors) of a table's columns.
function M.columns(name)
    local names, kinds = {}, {}
    for i, column in ipairs(tables[name].columns) do names[i], kinds[i] = column[1], column[2] end
    return names, kinds
end

local held

-- Rows of a table now and their description (columns.vectors), which holds until the next call.
function M.collect(name)
    local columns, made, rows = tables[name].columns, {}, 0
    for i, column in ipairs(columns) do made[i] = vectors.new(column[2]) end
    tables[name].each(function(row)
        for i, column in ipairs(columns) do
            local value = column[3](row)
            made[i].reserve(rows + 1)
            if value ~= nil then made[i].store(rows, value) else made[i].skip(rows) end
        end
        rows = rows + 1
    end)
    held = made
    return rows, vectors.describe(held, rows)
end

return M
