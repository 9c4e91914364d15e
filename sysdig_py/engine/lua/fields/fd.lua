-- Fields of the descriptor the event works on: number, kind, name, device.
local bit = require("bit")
local dialect = require("dialect")
local ev = require("ev")
local decode = require("decode")
local render = require("render")
local address = require("state.address")
local path = require("state.path")
local fdtext = require("render.fd")
local fds = require("state.fds")
local memo = require("fields.memo")

local F = {}

local band, rshift = bit.band, bit.rshift
local TOUCHES_FD = 7 -- creates, destroys or uses one
local CREATES_FD = 1

local GUESSED = {
    open = "f", openat = "f", openat2 = "f", creat = "f", socket = "4", accept = "4", accept4 = "4", pipe = "p",
    pipe2 = "p", eventfd = "e", eventfd2 = "e", signalfd = "s", signalfd4 = "s", timerfd_create = "t",
    inotify_init = "i", inotify_init1 = "i",
}

local function touches_fd()
    return band(ev.info.flags, TOUCHES_FD) ~= 0
end

F["fd.num"] = { get = function() return ev.fdnum end }

F["fd.type"] = { get = function()
    local fd = ev.fd
    return fd and fdtext.type(fd)
end }

F["fd.typechar"] = { get = function()
    if ev.fd then return fdtext.typechar(ev.fd) end
    return touches_fd() and (GUESSED[ev.info.name] or "o") or nil
end }

local function failed_open_name()
    local info = ev.info
    for i = 1, #info.params do
        local kind = info.params[i].type
        if kind == "fspath" or kind == "fsrelpath" then
            local text = decode.str(i - 1)
            return text and (render.resolved_path(text, info.params[i].dirfd) or path.join("", text))
        end
    end
    return nil
end

local function failed_connect_name()
    local i = ev.info.index.tuple
    if i then
        local family, sip, sport, dip, dport = decode.tuple(i)
        if dip then return address.pair(address.unmapped(sip), sport, address.unmapped(dip), dport) end
        if family == 1 then
            local source, peer, path_ = decode.unix(i)
            return source and address.unix(source, peer, path_) or sip
        end
    end
    i = ev.info.index.addr
    if not i then return nil end
    local _, ip, port = decode.sockaddr(i)
    return port and address.endpoint(address.unmapped(ip), port) or ip
end

-- What the event's own arguments say about an fd that is not in the table.
local function name_from_arguments()
    if not touches_fd() then return nil end
    if not ev.is_exit then return nil end
    if ev.info.name == "connect" then return failed_connect_name() or "" end
    return band(ev.info.flags, CREATES_FD) ~= 0 and failed_open_name() or ""
end

local function name()
    local fd = ev.fd
    if not fd then return name_from_arguments() end
    if fd.name == "" and ev.is_exit and ev.info.name == "connect" then return failed_connect_name() or "" end
    return fd.name
end

-- A trace of sysdig is shown as sysdig shows it: without what cannot be printed.
local function printable_name()
    local text = name()
    return text and fdtext.printable(text)
end

F["fd.name"] = { get = name, text = dialect.paired and printable_name or nil }

local directory_of = memo.one(function(full)
    local directory = full:match("^(.*)/[^/]*$")
    if not directory then return "" end
    return directory == "" and "/" or directory
end)

local file_of = memo.one(function(full)
    return full:match("[^/]*$")
end)

local function directory()
    local fd = ev.fd
    if not fd and dialect.paired then
        local text = name()
        return text and directory_of(text == "" and "/" or text)
    end
    if not fd or not (fdtext.is_file(fd) or fd.type == fds.DIRECTORY) then return nil end
    if dialect.paired and fd.type == fds.DIRECTORY then return fd.name end
    return directory_of(fd.name)
end

F["fd.directory"] = { get = directory }
F["fd.filename"] = { get = function()
    local fd = ev.fd
    return fd and fdtext.is_file(fd) and file_of(fd.name) or nil
end }

local with_colon = memo.two(function(id, text)
    return id .. ":" .. text
end)

local function of_container(get)
    return { get = function()
        local text = get()
        return text and with_colon(ev.container and ev.container.id or "", fdtext.name(text))
    end }
end

F["fd.containername"] = of_container(name)
F["fd.containerdirectory"] = of_container(directory)

local both_ids = memo.two(function(tid, num)
    return ("%d%d"):format(tid, num)
end)

F["fd.uid"] = { get = function()
    local num = ev.fdnum
    return num and both_ids(ev.tid, num)
end }

local function device(part)
    return { get = function()
        local fd = ev.fd
        return fd and part(fd.dev)
    end }
end

F["fd.dev"] = device(bit.tobit)
if dialect.paired then
    F["fd.dev"].text = function()
        local fd = ev.fd
        return fd and ("%X"):format(fd.dev)
    end
end
F["fd.dev.major"] = device(function(dev) return band(rshift(dev, 8), 0xFFF) end)
F["fd.dev.minor"] = device(function(dev) return bit.bor(band(dev, 0xFF), band(rshift(dev, 12), 0xFFF00)) end)

return { fields = F }
