-- Fields about where an event comes from: the kernel of a machine, as opposed to a plugin or an outside observer.
local bit = require("bit")
local ev = require("ev")
local record = require("record")
local decode = require("decode")

local F = {}

local INFRASTRUCTURE = 286
local SOURCE, NAME, DESCRIPTION = 0, 1, 2

local function nothing()
    return nil
end

-- no stream that can be read has events of these
for _, name in ipairs({ "evt.pluginname", "evt.plugininfo", "evt.asynctype" }) do F[name] = { get = nothing } end

F["evt.source"] = { get = function() return "syscall" end }
F["evt.is_async"] = { get = function() return false end }
F["evt.is_io_uring"] = { get = function() return bit.band(ev.flags, record.IO_URING) ~= 0 end }
F["evt.hostname"] = { get = function()
    local name = require("host").machine.hostname
    return name ~= "" and name or nil
end }

-- Whether the event is something Docker reported.
local function is_docker()
    return ev.type == INFRASTRUCTURE and decode.str(SOURCE) == "docker"
end

F["evt.infra.docker.name"] = { get = function()
    return is_docker() and decode.str(NAME) or nil
end }

-- A line `KEY:value` of what Docker said about the event; lines are separated by semicolons.
local function described(key)
    local pattern = "^%s*" .. key .. "[^:]*:%s*([^:]-)%s*$"
    return { get = function()
        local text = is_docker() and decode.str(DESCRIPTION) or ""
        for line in text:gmatch("[^;]+") do
            local value = line:match(pattern)
            if value then return value end
        end
        return nil
    end }
end

F["evt.infra.docker.container.id"] = described("ID")
F["evt.infra.docker.container.name"] = described("Name")
F["evt.infra.docker.container.image"] = described("Image")

return { fields = F }
