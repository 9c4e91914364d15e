-- Fields of descriptors that only some events and streams can tell: inode, overlay layer, host names, all kinds.
local bit = require("bit")
local ev = require("ev")
local decode = require("decode")
local fdtext = require("render.fd")
local ancestry = require("fields.ancestry")

local F = {}

local UPPER_LAYER, LOWER_LAYER = 32768, 65536
local CREATED = 16384

-- Names need a resolver, which a stream does not bring; asking one would tell about what is looked at.
for _, side in ipairs({ "c", "s", "l", "r" }) do
    F["fd." .. side .. "ip.name"] = { get = function() return nil end }
end

F["fd.name_changed"] = { get = function()
    local fd = ev.fd
    if not fd then return nil end
    return ev.old_name ~= nil and fd.name ~= ev.old_name
end }

-- more than a number holds where a file system numbers its files so
local function inode()
    local fd = ev.fd
    return fd and fd.ino ~= 0 and fd.ino or nil
end

F["fd.ino"] = { exact = inode, get = function()
    local number = inode()
    return number and tonumber(number)
end }

F["fd.nameraw"] = { get = function()
    local index = ev.info.index
    local i = bit.band(ev.info.flags, 1) ~= 0 and (index.name or index.filename or index.pathname)
    return i and decode.str(i) or nil
end }

local function has_flag(flag)
    return { get = function()
        local fd = ev.fd
        if not fd or not fdtext.is_file(fd) then return nil end
        return bit.band(fd.flags or 0, flag) ~= 0
    end }
end

F["fd.is_upper_layer"] = has_flag(UPPER_LAYER)
F["fd.is_lower_layer"] = has_flag(LOWER_LAYER)

F["evt.is_open_create"] = { get = function()
    local i = ev.is_exit and bit.band(ev.info.flags, 1) ~= 0 and ev.info.index.flags
    local flags = i and ev.info.params[i + 1].flags == "file_flags" and decode.num(i)
    return flags ~= nil and flags ~= false and bit.band(flags, CREATED) ~= 0
end }

-- Kinds of all fds of the process without repetition, in the order of their numbers.
local function all_types(fds)
    local nums, types, seen = {}, {}, {}
    for num in pairs(fds) do nums[#nums + 1] = num end
    table.sort(nums)
    for _, num in ipairs(nums) do
        local kind = fdtext.type(fds[num])
        if not seen[kind] then
            seen[kind] = true
            types[#types + 1] = kind
        end
    end
    return table.concat(types, ",")
end

F["fd.types"] = { make = function(argument)
    local num = tonumber(argument)
    if argument and not num then return nil end
    return { get = function()
        local fds = ancestry.main_of(ev.thread).fds
        if not fds then return nil end
        if not num then return all_types(fds) end
        return fds[num] and fdtext.type(fds[num])
    end }
end }

return { fields = F }
