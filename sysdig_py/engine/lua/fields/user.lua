-- Fields of the user and group the thread runs as. Ids that were never learned have no value.
local dialect = require("dialect")
local ev = require("ev")
local users = require("state.users")

local F = {}

local NONE = 0xFFFFFFFF

local function id(key)
    return function()
        local value = ev.thread[key]
        return (value ~= NONE or dialect.paired) and value or nil
    end
end

local uid, gid, loginuid = id("uid"), id("gid"), id("loginuid")

local function of_user(get_id, key)
    return { get = function()
        local value = get_id()
        local user = value and users.by_uid[value]
        return user and user[key]
    end }
end

F["user.uid"] = { get = uid }
F["user.name"] = of_user(uid, "name")
F["user.homedir"] = of_user(uid, "home")
F["user.shell"] = of_user(uid, "shell")
F["user.loginuid"] = { get = function()
    local value = ev.thread.loginuid
    return value == NONE and -1 or value
end }
F["user.loginname"] = of_user(loginuid, "name")

F["group.gid"] = { get = gid }
F["group.name"] = { get = function()
    local value = gid()
    local group = value and users.by_gid[value]
    return group and group.name
end }

return { fields = F }
