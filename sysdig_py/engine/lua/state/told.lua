-- An fd that a state record tells about, beside what the events said about the same number. Events know more (the name
-- that was asked for, what was sent where), the record knows better: it was made of the open file itself.
local address = require("state.address")
local fds = require("state.fds")

local M = {}

local NOWHERE = ("\0"):rep(8)

-- Inode numbers beyond 2^53 are 64-bit integers, not Lua numbers.
local function digits(number)
    return type(number) == "number" and ("%.0f"):format(number) or tostring(number):match("%d+")
end

local function is_same_file(old, new)
    if old.ino == 0 then return true end
    return old.ino == new.ino and (old.dev == new.dev or old.dev == 0 or new.dev == 0)
end

local function is_same_ends(old, new)
    return old.sip == new.sip and old.sport == new.sport and old.dip == new.dip and old.dport == new.dport
end

local function is_ip(kind)
    return kind >= fds.IPV4 and kind <= fds.IPV6_LISTENER
end

-- Events name a datagram socket by the last packet; nothing in the socket itself tells that.
local function is_same_socket(old, new)
    if new.l4 ~= "tcp" and old.name ~= "" and old.l4 == new.l4 and not new.listener then return true end
    return old.listener == new.listener and old.role == new.role and is_same_ends(old, new)
end

local function is_open_file(kind)
    return kind == fds.FILE or kind == fds.DIRECTORY
end

-- Whether the open file `new` is what `old` already says.
function M.is_known(old, new)
    if is_ip(old.type) and is_ip(new.type) then return is_same_socket(old, new) end
    -- without O_DIRECTORY an open does not tell that it was a directory
    if is_open_file(old.type) and is_open_file(new.type) then return is_same_file(old, new) end
    if old.type ~= new.type then return false end
    if old.type == fds.UNIX then return old.source == new.source and old.peer == new.peer end
    return is_same_file(old, new)
end

-- The name of a file that has no path, as links in /proc spell it; of a unix socket, as events do.
local function name_of(fd)
    if fd.type == fds.FILE then return "nsfs:[" .. digits(fd.ino) .. "]" end
    if fd.type == fds.PIPE then return "pipe:[" .. digits(fd.ino) .. "]" end
    if fd.type == fds.UNIX and fd.source then
        if fd.source ~= NOWHERE and fd.peer ~= NOWHERE then return address.unix(fd.source, fd.peer, fd.path or "") end
        return fd.path or ""
    end
    return ""
end

-- Complete an fd as the kernel tells it.
function M.complete(fd)
    if fd.name == "" then fd.name = name_of(fd) end
end

return M
