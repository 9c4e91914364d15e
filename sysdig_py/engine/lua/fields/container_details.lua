-- Fields out of what the runtime said about a container beyond its identity: mounts, health check, probes, and the
-- probe a process belongs to.
local ev = require("ev")
local json_reader = require("json_reader")
local glob = require("fields.glob")
local memo = require("fields.memo")

local F = {}

local NOTHING = {}

local parsed = memo.one(function(text)
    local ok, value = pcall(json_reader.parse, text)
    if not ok or type(value) ~= "table" then return NOTHING end
    return value.container or value
end)

-- What was said about the container of the event; nil outside of any.
local function details()
    local container = ev.container
    if not container then return nil end
    local text = container.json
    return text and text ~= "" and parsed(text) or NOTHING
end

local function mounts()
    local facts = details()
    return facts and facts.Mounts or nil
end

local function text_of(value)
    if type(value) == "boolean" then return value and "true" or "false" end
    return value == nil and "" or tostring(value)
end

local function whole(mount)
    return table.concat({
        text_of(mount.Source), text_of(mount.Destination), text_of(mount.Mode), text_of(mount.RW == true),
        text_of(mount.Propagation),
    }, ":")
end

F["container.mounts"] = { get = function()
    local facts = details()
    if not facts or facts == NOTHING then return nil end
    local texts = {}
    for _, mount in ipairs(facts.Mounts or NOTHING) do texts[#texts + 1] = whole(mount) end
    return table.concat(texts, ",")
end }

-- The mount at a position, or the first whose `key` matches a pattern.
local function chosen(argument, key)
    local position = argument:match("^%d+$")
    if position then
        return function(list) return list[tonumber(position) + 1] end
    end
    return function(list)
        for _, mount in ipairs(list) do
            if glob.matches(argument, text_of(mount[key])) then return mount end
        end
        return nil
    end
end

local function mount_field(key, show)
    return { make = function(argument)
        if not argument then return nil end
        local choose = chosen(argument, key)
        return { get = function()
            local list = mounts()
            local mount = list and choose(list)
            return mount and show(mount)
        end }
    end }
end

local function part(key)
    return function(mount) return text_of(mount[key]) end
end

F["container.mount"] = mount_field("Source", whole)
F["container.mount.source"] = mount_field("Destination", part("Source"))
F["container.mount.dest"] = mount_field("Source", part("Destination"))
F["container.mount.mode"] = mount_field("Source", part("Mode"))
F["container.mount.rdwr"] = mount_field("Source", function(mount) return text_of(mount.RW == true) end)
F["container.mount.propagation"] = mount_field("Source", part("Propagation"))

local PROBES = { healthcheck = "Healthcheck", liveness_probe = "LivenessProbe", readiness_probe = "ReadinessProbe" }

local function command_of(probe)
    local words = { probe.exe or "" }
    for _, word in ipairs(probe.args or NOTHING) do words[#words + 1] = tostring(word) end
    return table.concat(words, " ")
end

for name, key in pairs(PROBES) do
    F["container." .. name] = { get = function()
        local facts = details()
        if not facts or facts == NOTHING then return nil end
        local probe = facts[key]
        return probe and command_of(probe) or "NONE"
    end }
end

return { fields = F, of_container = details }
